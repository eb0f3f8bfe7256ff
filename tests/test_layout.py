"""The picture of the house, read from the imports."""

import ast
import importlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

MAY_USE = {
    "config": set[str](),
    "jingle": set[str](),
    "server": set[str](),
    "ladder": set[str](),
    "media": {"config", "jingle", "server"},
    "actors": {"config", "jingle", "server", "ladder", "media"},
    "bots": {"config", "jingle", "server", "ladder", "media", "actors"},
    "load": {"config", "jingle", "server", "ladder", "media", "actors", "bots"},
    "control": {"config", "jingle", "server", "ladder", "media", "actors", "bots", "load"},
    "web": {"config", "jingle", "server", "ladder", "media", "actors", "bots", "load", "control"},
    "cli": {
        *("config", "jingle", "server", "ladder", "media", "actors", "bots", "load", "control"),
        "web",
    },
    "benchmarks": {
        *("config", "jingle", "server", "ladder", "media", "actors", "bots", "load", "control"),
        *("web", "cli"),
        "tests",
    },
}
"""What stands to the left of each package: imports run one way."""

OUTSIDE_OF_ACTORS = (
    *("messages", "records", "observer", "xmpp.contact"),
    *("runtime.future", "runtime.ref", "runtime.backoff", "runtime.side_loop"),
)
"""What control and web may use of actors: what they are told, and what they tell; nothing of their
insides."""

ROOMS: dict[str, tuple[str, ...]] = {
    "jingle": ("namespaces", "errors", "model", "xml", "sdp", "session", "call_messages", "*"),
    "media": (
        "errors",
        "budget late_event loop_wide",
        "compiled",
        "frames",
        "codecs",
        "sources",
        "recording",
        "hearing",
        "rtc",
        "joining",
        "*",
    ),
    "media/rtc": (
        "dtls",
        "_pylibsrtp",
        "flows",
        "ice",
        "rtp/packet rtp/rtcp rtp/reports rtp/statistics rtp/video/bit_rate_estimator",
        "flows/inbound_flow flows/outbound_flow",
        "flows/picture_flow",
        "_aiortc",
        "rtp",
        "*",
    ),
    "media/rtc/rtp": ("packet", "video", "*"),
    "actors": (
        *("runtime", "garbage_collection", "xmpp", "records", "messages", "context", "bot"),
        *("call", "joining", "*"),
    ),
    "load": ("scrape", "measure", "plan", "run", "report", "*"),
    "control": (
        "problem",
        "version",
        "models",
        "history",
        "instance",
        "commands",
        "load_run",
        "account_standing",
        "webhooks",
        "metrics",
        "*",
    ),
    "cli": ("views", "*"),
}
"""The rooms of each folder that has some, the lowest first: each may use those before it.

A name is a folder, or a file that does not stand with the rest of its folder. Names with a space
between them may use each other. `*` stands for the other files. A room with rooms of its own has a
line of its own. To add a room, write its name where it belongs.
"""

SHARED = {
    "Bridge": "a bot's handle is named after its actor",
    "Call": "a bot's handle is named after its actor",
    "Playback": "a bot's handle is named after what it is on",
    "Room": "a bot's handle is named after its actor",
    "Recording": "a recording's files, and a bot's handle on it",
    "Invite": "XEP-0482's element, and a bot's handle on it",
}
"""Names that two classes have, and why a reader is not misled. All others have one meaning."""

MUST_NOT_USE = {
    "config": {"slixmpp", "aiortc", "aioice", "av", "pykka"},
    "jingle": {"slixmpp", "aiortc", "aioice", "av", "pykka", "asyncio"},
    "server": {"slixmpp", "aiortc", "aioice", "av", "pykka"},
    "media": {"slixmpp", "pykka"},
}

PACKAGES = [name for name in MAY_USE if (ROOT / name / "__init__.py").exists()]


def absolute(node: ast.ImportFrom, file: Path) -> list[str]:
    """The full names that a from-import may bring in, ours beginning with "callboard"."""
    base = node.module or ""
    if node.level:
        package = ["callboard", *file.relative_to(ROOT).parent.parts]
        stem = package[: len(package) - node.level + 1]
        base = ".".join([*stem, *([node.module] if node.module else [])])
    return [f"{base}.{alias.name}" for alias in node.names]


@cache
def statements(text: str) -> tuple[Sequence[ast.Import | ast.ImportFrom], Sequence[str]]:
    """Read a module, once for all tests.

    Returns:
        Its imports, those inside functions and behind TYPE_CHECKING among them, and the names of
        its classes.
    """
    tree = ast.parse(text)
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return found, [node.name for node in tree.body if isinstance(node, ast.ClassDef)]


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Every import of a file, those inside functions and behind TYPE_CHECKING among them."""
    for node in statements(file.read_text(encoding="utf-8"))[0]:
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names = absolute(node, file)
        yield from ((node.lineno, name) for name in names)


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    allowed = MAY_USE[package] | {package}
    forbidden = MUST_NOT_USE.get(package, set())
    wrong = []
    for file in sorted((ROOT / package).rglob("*.py")):
        for line, name in imports(file):
            parts = name.split(".")
            ours = parts[0] == "callboard" and len(parts) > 1 and (ROOT / parts[1]).exists()
            if (ours and parts[1].removesuffix(".py") not in allowed) or parts[0] in forbidden:
                wrong.append(f"{file.relative_to(ROOT)}:{line}: {package} must not import {name}")
    assert not wrong, "\n".join(wrong)


def insides_used(package: str) -> list[str]:
    """List the imports of a package that reach inside an actor."""
    wrong = []
    for file in sorted((ROOT / package).rglob("*.py")):
        for line, name in imports(file):
            _, inside, found = name.partition("callboard.actors.")
            if inside and not f"{found}.".startswith(tuple(f"{one}." for one in OUTSIDE_OF_ACTORS)):
                wrong.append(f"{file.relative_to(ROOT)}:{line}: must not import {name}")
    return wrong


@pytest.mark.parametrize("package", ["control", "web"])
def test_no_inside_of_an_actor_is_used(package: str) -> None:
    assert not insides_used(package), "\n".join(insides_used(package))


@pytest.mark.parametrize(
    ("text", "is_inside"),
    [
        ("from ..actors.account import Account", True),
        ("from ..actors import account", True),
        ("from ..actors.call.leg import Leg", True),
        ("from ..actors.runtime.actor import AsyncioActor", True),
        ("from ..actors.messages.account import PlaceCall", False),
        ("from ..actors.messages import account", False),
        ("from ..actors.runtime.ref import AsyncioActorRef", False),
    ],
)
def test_the_insides_of_actors_are_told_from_their_messages(
    house: Path, text: str, is_inside: bool
) -> None:
    (house / "face.py").write_text(text)
    assert bool(insides_used("media")) is is_inside


def place(folder: str, parts: tuple[str, ...]) -> int | None:
    """Find the place of a module in the order of a folder's rooms.

    Args:
        folder: A key of `ROOMS`.
        parts: The module's name from the repository's root on, as ("media", "rtc", "dtls"). What
            it ends in may be a name inside the module.

    Returns:
        Its index; None if it is not in the folder, or in a room without a place.
    """
    base = tuple(folder.split("/"))
    if parts[: len(base)] != base:
        return None
    inside = parts[len(base) :]
    order = {name: at for at, names in enumerate(ROOMS[folder]) for name in names.split()}
    for length in range(len(inside), 0, -1):
        if "/".join(inside[:length]) in order:
            return order["/".join(inside[:length])]
    return None if (ROOT / folder / "/".join(inside[:1])).is_dir() and inside else order["*"]


def misplaced(folder: str) -> list[str]:
    """List the imports of a folder that do not go from a room to a lower one."""
    wrong = []
    for file in sorted((ROOT / folder).rglob("*.py")):
        own = place(folder, file.relative_to(ROOT).with_suffix("").parts)
        for line, name in imports(file):
            parts = tuple(name.split("."))
            used = place(folder, parts[1:]) if parts[0] == "callboard" else None
            if own is not None and used is not None and used > own:
                wrong.append(f"{file.relative_to(ROOT)}:{line}: must not import {name}")
    return wrong


def without_a_place(top: Path) -> list[str]:
    """List the folders with code in a package that `ROOMS` does not know."""
    wrong = []
    for room in sorted({file.parent for file in top.rglob("*.py")} - {top}):
        inside = room.relative_to(ROOT)
        if room.parent.relative_to(ROOT).as_posix() not in ROOMS:
            wrong.append(f"{inside}: {inside.parent} has rooms now: give them an order")
        elif place(inside.parent.as_posix(), inside.parts) is None:
            wrong.append(f"{inside}: the room has no place in {inside.parent}")
    return wrong


@pytest.mark.parametrize("folder", ROOMS)
def test_imports_go_to_lower_rooms(folder: str) -> None:
    assert not misplaced(folder), "\n".join(misplaced(folder))


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "benchmarks"])
def test_every_room_has_its_place(package: str) -> None:
    assert not without_a_place(ROOT / package)


@pytest.mark.parametrize("folder", ROOMS)
def test_every_place_is_there(folder: str) -> None:
    names = " ".join(ROOMS[folder]).split()
    paths = [ROOT / folder / name for name in names if name != "*"]
    assert not [
        path for path in paths if not path.is_dir() and not path.with_suffix(".py").exists()
    ]


def test_the_docs_know_the_rooms() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = {
        folder: " → ".join(", ".join(names.split()) for names in order if names != "*")
        for folder, order in ROOMS.items()
    }
    missing = [
        f"{folder}: {order}"
        for folder, order in rooms.items()
        if f"{folder}: {order}\n" not in text
    ]
    assert not missing, "write into docs/architecture.md: " + "; ".join(missing)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Build a house with one package of two rooms."""
    (tmp_path / "media" / "low").mkdir(parents=True)
    (tmp_path / "media" / "high").mkdir()
    for file in ("__init__.py", "face.py", "low/__init__.py", "low/a.py", "high/b.py"):
        (tmp_path / "media" / file).touch()
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    monkeypatch.setattr(f"{__name__}.ROOMS", {"media": ("low", "high", "*")})
    return tmp_path / "media"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("low/a.py", "from ..high.b import x"),
        ("low/a.py", "from .. import high"),
        ("low/a.py", "from .. import x"),
        ("low/a.py", "def f(): from ..face import x"),
        ("high/b.py", "from ..face import x"),
        ("low/__init__.py", "import callboard.media.high.b"),
    ],
)
def test_an_import_from_a_higher_room_is_found(house: Path, file: str, text: str) -> None:
    (house / file).write_text(text)
    assert len(misplaced("media")) == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("high/b.py", "from ..low.a import x"),
        ("high/b.py", "from ..low import a"),
        ("high/b.py", "from . import c"),
        ("face.py", "from .high.b import x"),
        ("low/a.py", "from ...config import x"),
        ("low/a.py", "import high"),
    ],
)
def test_an_import_from_a_lower_room_is_allowed(house: Path, file: str, text: str) -> None:
    (house / file).write_text(text)
    assert not misplaced("media")


@pytest.mark.parametrize("room", ["new", "high/new"])
def test_a_room_without_a_place_is_found(house: Path, room: str) -> None:
    assert not without_a_place(house)
    (house / room).mkdir()
    (house / room / "c.py").touch()
    assert len(without_a_place(house)) == 1


def test_every_package_has_its_place() -> None:
    found = {init.parent.name for init in ROOT.glob("*/__init__.py")}
    assert found <= set(MAY_USE)


def test_received_video_knows_no_clock_and_no_network() -> None:
    outside = {"aioice", "aiortc", "asyncio", "av", "socket", "threading", "time"}
    for file in (ROOT / "media/rtc/rtp/video").glob("*.py"):
        assert outside.isdisjoint(name.split(".")[0] for _, name in imports(file)), file


def test_a_name_means_one_thing() -> None:
    where: dict[str, list[str]] = {}
    for package in set(PACKAGES) - {"benchmarks"}:
        for file in sorted((ROOT / package).rglob("*.py")):
            for name in statements(file.read_text(encoding="utf-8"))[1]:
                if not name.startswith("_"):
                    where.setdefault(name, []).append(str(file.relative_to(ROOT)))
    assert not {name: files for name, files in where.items() if files[1:] and name not in SHARED}


@pytest.mark.parametrize("face", ["bots", "jingle", "media"])
def test_what_is_looked_up_is_what_type_checkers_see(face: str) -> None:
    module = importlib.import_module(f"callboard.{face}")
    tree = ast.parse((ROOT / face / "__init__.py").read_text(encoding="utf-8"))
    [checked] = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        f"{'.' * node.level}{node.module}": sorted(name.name for name in node.names)
        for node in checked.body
        if isinstance(node, ast.ImportFrom)
    }
    assert {home: sorted(names.split()) for home, names in module._HOMES.items()} == seen
    names = [name for names in seen.values() for name in names]
    assert sorted(module.__all__) == sorted(names)
    assert set(names) <= set(dir(module))
    assert all(getattr(module, name) is not None for name in names)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


def test_the_root_imports_nothing() -> None:
    assert not list(imports(ROOT / "__init__.py"))


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "benchmarks"])
def test_packages_reach_each_other_by_relative_imports(package: str) -> None:
    """The clone's folder has another name than the package, and pytest may import it by that."""
    wrong = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in sorted((ROOT / package).rglob("*.py"))
        for node in statements(file.read_text(encoding="utf-8"))[0]
        if (isinstance(node, ast.ImportFrom) and not node.level and node.module)
        and node.module.split(".")[0] == "callboard"
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("text", "file", "expected"),
    [
        ("from ..config import load", "media/a.py", "callboard.config.load"),
        ("from .. import actors", "media/a.py", "callboard.actors"),
        ("from .sub import x", "media/__init__.py", "callboard.media.sub.x"),
        ("import slixmpp.xmlstream", "media/a.py", "slixmpp.xmlstream"),
    ],
)
def test_relative_imports_are_resolved(text: str, file: str, expected: str) -> None:
    node = ast.parse(text).body[0]
    if isinstance(node, ast.ImportFrom):
        assert absolute(node, ROOT / file) == [expected]
    else:
        assert isinstance(node, ast.Import)
        assert node.names[0].name == expected
