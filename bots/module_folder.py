"""The modules beside a YAML file, which can be imported anew while old code goes on."""

import ast
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from types import ModuleType

from msgspec import Struct, field

from .bot import Bot
from .find import find_bot, package_of


class ModuleFolder:
    """The modules beside a YAML file: bots, and what they import from there.

    When a file has changed, its module is imported anew, and so is each module that imports it.
    The others stay as they are, and so do their classes. Objects of the old modules keep them for
    as long as they live; what such code imports only then, inside a function, is new.

    What a module imports is read from its source. One that is imported by other means counts as
    imported by all.

    Args:
        folder: the YAML file's folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._roots: set[Path] = set()
        self._digests: dict[Path, bytes] = {}

    def find(self, name: str) -> type[Bot]:
        """Return the class of a bot: see `find_bot`. Blocks."""
        beside = self._file(name.partition(":")[0]) if ":" in name else None
        if beside is not None:
            self._roots.add(beside)
        return find_bot(name, self._folder)

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Let `find` import what has changed anew. If the block raises, all is as it was."""
        loaded = self._loaded()
        digests = {path: _digest(path) for path in {*self._digests, *loaded.values()}}
        stale = self._stale(set(loaded.values()), digests)
        removed = _Removed()
        for name, path in loaded.items():
            if path in stale:
                removed.take(name)
        for path in stale:
            with suppress(OSError, NotImplementedError):
                # It is known by size and by the second, and two versions can have the same.
                Path(importlib.util.cache_from_source(str(path))).unlink()
        try:
            yield
        except BaseException:
            removed.put_back(set(self._loaded()) - (loaded.keys() - removed.modules.keys()))
            raise
        now = set(self._loaded().values())
        self._digests = {path: digests.get(path) or _digest(path) for path in now}

    def _stale(self, loaded: set[Path], digests: dict[Path, bytes]) -> set[Path]:
        """Find the files whose modules are to be imported anew."""
        changed = {path for path, digest in self._digests.items() if digests[path] != digest}
        if not changed:
            return set()
        reach = {path: self._closure(path) for path in loaded | self._roots}
        imported = set[Path]().union(*(reach[root] for root in self._roots))
        if changed & (loaded - imported):
            return loaded
        return {path for path in loaded if reach[path] & changed or path in changed}

    def _closure(self, path: Path) -> set[Path]:
        """Return a file, and the files of all modules that it imports."""
        found, waiting = set[Path](), [path]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting += self._imports(one)
        return found

    def _imports(self, path: Path) -> Iterator[Path]:
        """Return the files here that a module imports, and those of the packages it is in."""
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):  # its import will say so
            return
        inside = path.relative_to(self._folder).with_suffix("").parts
        package = inside[:-1]
        names = ["."] if not package else [".".join(package)]
        for node in ast.walk(tree):
            match node:
                case ast.Import():
                    names += [alias.name for alias in node.names]
                case ast.ImportFrom():
                    above = package[: len(package) - node.level + 1] if node.level else ()
                    base = ".".join([*above, *([node.module] if node.module else [])])
                    names += [base, *(f"{base}.{alias.name}".lstrip(".") for alias in node.names)]
        for name in names:
            parts = name.split(".")
            for length in range(1, len(parts) + 1):
                found = self._file(".".join(parts[:length]))
                if found is not None:
                    yield found

    def _file(self, name: str) -> Path | None:
        """Return the file of a module of this name here, if there is one."""
        if not all(part.isidentifier() for part in name.split(".")):
            return None
        path = self._folder.joinpath(*name.split("."))
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                return file
        return None

    def _loaded(self) -> dict[str, Path]:
        """Return the modules that were imported from here, and their files."""
        prefix, top = f"{package_of(self._folder)}.", str(self._folder)
        found = {}
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if not isinstance(file, str) or not file.startswith(top):
                continue
            # Not all that lies below is imported from here: there may be a `.venv`, with a thousand
            # modules. So texts are compared, as paths take 20 us to make.
            base = os.path.join(top, *name.removeprefix(prefix).split("."))  # noqa: PTH118
            if file in (f"{base}.py", f"{base}/__init__.py"):
                found[name] = Path(file)
        return found


class _Removed(Struct):
    """Modules that were taken out of `sys.modules`.

    Attributes:
        modules: by their names.
        attributes: whose attributes they were too: a package has its modules.
    """

    modules: dict[str, ModuleType] = field(default_factory=dict)
    attributes: list[tuple[ModuleType, str, ModuleType]] = field(default_factory=list)

    def take(self, name: str) -> None:
        """Take a module out, so that it is imported anew."""
        module = self.modules[name] = sys.modules[name]
        above, _, last = name.rpartition(".")
        parent = sys.modules.get(above) or self.modules.get(above)
        if parent is not None and getattr(parent, last, None) is module:
            self.attributes.append((parent, last, module))
            delattr(parent, last)
        del sys.modules[name]

    def put_back(self, others: Iterable[str]) -> None:
        """Let all be as it was.

        Args:
            others: names of modules that were imported since.
        """
        for name in sorted(others, reverse=True):
            module = sys.modules.pop(name)
            above, _, last = name.rpartition(".")
            parent = sys.modules.get(above)
            if parent is not None and getattr(parent, last, None) is module:
                delattr(parent, last)
        sys.modules.update(self.modules)
        for parent, last, module in self.attributes:
            setattr(parent, last, module)


def _digest(path: Path) -> bytes:
    """Return what a file is recognised by; b"" if it can't be read."""
    try:
        return blake2b(path.read_bytes()).digest()
    except OSError:
        return b""
