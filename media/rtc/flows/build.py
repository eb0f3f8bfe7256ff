"""How the compiled part is built: by cffi, which setup.py calls."""

from pathlib import Path

from cffi import FFI  # type: ignore[import-untyped]

HERE = Path(__file__).parent

ffibuilder = FFI()
ffibuilder.cdef((HERE / "flows.h").read_text(encoding="ascii"))
ffibuilder.set_source(
    "callboard.media.rtc.flows._flows",
    '#include <stdint.h>\n#include "flows.h"',
    sources=[f"media/rtc/flows/{name}.c" for name in ("flows", "inbound", "outbound")],
    depends=["media/rtc/flows/flows.h", "media/rtc/flows/shared.h"],
    include_dirs=["media/rtc/flows"],
    libraries=["m"],
    extra_compile_args=["-O2", "-ffp-contract=off"],  # figures are rounded as Python rounds them
    optional=True,
)
