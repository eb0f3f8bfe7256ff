"""How the compiled part is built: by cffi, which setup.py calls."""

from pathlib import Path

from cffi import FFI  # type: ignore[import-untyped]

HERE = Path(__file__).parent

FLOWS = HERE.parent / "rtc" / "flows"

ffibuilder = FFI()
for header in (HERE / "sound.h", FLOWS / "flows.h"):
    ffibuilder.cdef(header.read_text(encoding="ascii"))
ffibuilder.set_source(
    "callboard.media.compiled._compiled",
    '#include <stdint.h>\n#include "sound.h"\n#include "flows.h"',
    sources=[
        *(f"media/compiled/{name}.c" for name in ("page", "sound")),
        *(f"media/rtc/flows/{name}.c" for name in ("flows", "inbound", "outbound")),
    ],
    depends=[
        *(f"media/compiled/{name}.h" for name in ("records", "sound")),
        *(f"media/rtc/flows/{name}.h" for name in ("flows", "shared")),
    ],
    include_dirs=["media/compiled", "media/rtc/flows"],
    libraries=["m"],
    extra_compile_args=["-O2", "-ffp-contract=off"],  # figures are rounded as Python rounds them
    optional=True,
)
