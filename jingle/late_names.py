"""A package's names, each looked up when it is first asked for (PEP 562)."""

import sys
from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from types import ModuleType


def late_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return what a package has as ``__getattr__`` and ``__dir__``.

    Args:
        package: its full name.
        homes: from a module, relative to the package, to the names in it that are the package's
            too, with spaces between them.
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    def look_up(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(home_of[name], package), name)
        setattr(sys.modules[package], name, value)  # and is not looked up again
        return value

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[package]), *home_of})

    return look_up, listed


def late_modules(package: str, names: Collection[str]) -> Callable[[str], ModuleType]:
    """Return what a package whose modules are imported so has as ``__getattr__``.

    Args:
        package: its full name.
        names: its modules that are.
    """

    def look_up(name: str) -> ModuleType:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return import_module(f".{name}", package)

    return look_up
