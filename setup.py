"""What pyproject.toml can't say: the root is the package, and the folders in it are found."""

from setuptools import find_packages, setup  # type: ignore[import-untyped]

#: Folders that stay in the repository, packages or not.
STAYING = ("benchmarks", "deploy", "docs", "examples", "script", "tests")

inner = [
    f"callboard.{name}"
    for name in find_packages(exclude=[*STAYING, *(f"{folder}.*" for folder in STAYING)])
]

setup(
    cffi_modules=["media/rtc/flows/build.py:ffibuilder"],
    script_name="setup.py",  # it lies in the package's folder; named, it is not shipped
    packages=["callboard", *inner],
    package_data={"callboard": ["py.typed"], **{name: ["*", "**/*"] for name in inner}},
    exclude_package_data={"": ["*.pyc", "*~"]},
)
