"""What pyproject.toml can't say: the root is the package, and the folders in it are found."""

import os
import sys

from setuptools import find_packages, setup  # type: ignore[import-untyped]

try:
    import cffi  # type: ignore[import-untyped]
except ImportError:
    cffi = None

#: Folders that stay in the repository, packages or not.
STAYING = ("benchmarks", "deploy", "docs", "examples", "script", "tests")

inner = [
    f"callboard.{name}"
    for name in find_packages(exclude=[*STAYING, *(f"{folder}.*" for folder in STAYING)])
]

#: What cffi has compiled, where it can: Python does the same without it (docs/architecture.md).
#: Pythons with flags (debug, free-threaded) have no stable ABI, which the wheel's tag promises.
COMPILED = (
    {
        "cffi_modules": ["media/compiled/build.py:ffibuilder"],
        "options": {"bdist_wheel": {"py_limited_api": "cp311"}},
    }
    if cffi
    and sys.platform == "linux"
    and not sys.abiflags
    and os.environ.get("CALLBOARD_COMPILED") != "0"
    else {}
)

setup(
    script_name="setup.py",  # it lies in the package's folder; named, it is not shipped
    packages=["callboard", *inner],
    package_data={"callboard": ["py.typed"], **{name: ["*", "**/*"] for name in inner}},
    exclude_package_data={"": ["*.pyc", "*.so", "*~"]},  # what was built in the clone, too
    **COMPILED,
)
