"""What pyproject.toml can't say: the root is the package, and the folders in it are found."""

import os
import sys

from setuptools import Extension, find_packages, setup  # type: ignore[import-untyped]

#: Folders that stay in the repository, packages or not.
STAYING = ("benchmarks", "deploy", "docs", "examples", "script", "tests")

inner = [
    f"callboard.{name}"
    for name in find_packages(exclude=[*STAYING, *(f"{folder}.*" for folder in STAYING)])
]

#: What is built where there is a compiler; Python does the same without it (docs/architecture.md).
PURE = os.environ.get("CALLBOARD_PURE") == "1" or sys.platform != "linux"
packets = Extension(
    "callboard.media.rtc.native._packets",
    ["media/rtc/native/_packets.c"],
    extra_compile_args=["-ffp-contract=off"],  # figures are rounded as Python rounds them
    optional=True,
)

setup(
    script_name="setup.py",  # it lies in the package's folder; named, it is not shipped
    packages=["callboard", *inner],
    package_data={"callboard": ["py.typed"], **{name: ["*", "**/*"] for name in inner}},
    exclude_package_data={"": ["*.pyc", "*.so", "*~"]},
    ext_modules=[] if PURE else [packets],
)
