"""What is used of slixmpp, imported without what slixmpp imports besides where that is installed.

aiodns is for SRV records alone, and pygments colours stanzas in slixmpp's own log, which nobody
here reads. Together they take about as long to import as slixmpp.
"""

import asyncio
import importlib
import sys
from contextlib import suppress

_LEFT_OUT = [name for name in ("aiodns", "pygments") if name not in sys.modules]

for _name in _LEFT_OUT:
    sys.modules[_name] = None  # type: ignore[assignment] # to Python it is not installed then
try:
    from slixmpp.util import sasl
    from slixmpp.util.sasl.client import MECH_SEC_SCORES, MECHANISMS, saslprep
    from slixmpp.xmlstream import XMLStream, resolver
    from slixmpp.xmlstream.xmlstream import NotConnectedError
finally:
    for _name in _LEFT_OUT:
        del sys.modules[_name]

__all__ = [
    "MECHANISMS",
    "MECH_SEC_SCORES",
    "NotConnectedError",
    "XMLStream",
    "resolve_with_aiodns",
    "sasl",
    "saslprep",
]


async def resolve_with_aiodns() -> None:
    """Let slixmpp find SRV records (RFC 6120 §3.2.1) from now on: with aiodns, if it is there."""
    if not resolver.AIODNS_AVAILABLE:
        with suppress(ImportError):  # slixmpp looks for addresses alone then
            aiodns = await asyncio.to_thread(importlib.import_module, "aiodns")
            vars(resolver).update(aiodns=aiodns, AIODNS_AVAILABLE=True)
