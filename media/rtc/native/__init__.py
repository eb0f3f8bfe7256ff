"""The hot half of a packet's way in C, where it was built: `packets` is that module, or None.

What it does is done by Python too, in the places whose names its types have: `Outbox`, `WayOut`,
`Port` (`UdpTransport`), `Lane` (`EarlyPackets`), `StreamCounter`. Each of those asks `packets` when
it is made, and gives its part to C if that is there. Both ways count, send and drop the same.

Python's way is taken where it was not built (no compiler), on other systems than Linux, with
another libsrtp than it knows, and with `CALLBOARD_NATIVE=0` in the environment.
"""

import os
import sys
from typing import Any


def _load() -> Any:
    if os.environ.get("CALLBOARD_NATIVE") == "0" or sys.platform != "linux":
        return None
    try:
        from . import _packets  # type: ignore[attr-defined] # noqa: PLC0415 -- it may be missing
    except ImportError:
        return None
    return _packets


packets: Any = _load()
"""The compiled module; None: Python does it all."""
