"""What every test is held to, and the ``run`` fixture.

A test fails, besides its own assertions, if it leaves a task, thread, socket, file, child process
or temporary file behind, if one callback keeps its event loop for longer than 250 ms, or if
anything would be sent off loopback. `harness/` has how, and what is let pass.
"""

import asyncio
import gc
import itertools
import logging
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any, Literal, Protocol, TypeVar

import hypothesis
import pytest
import uvloop
from callboard.tests.harness import findings, loopback
from callboard.tests.harness.leftovers import Snapshot, leftovers
from callboard.tests.harness.loops import completed, watched_loops
from callboard.tests.harness.virtual_time import VirtualTimeLoop

T = TypeVar("T")

FACTORIES: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
    "virtual": VirtualTimeLoop,
}

UNITS = {"actors", "bots", "config", "jingle"}
"""Folders whose tests need nothing that runs beside them and play nothing in its real time."""
MARKED = ("ladder", "load/measure/test_notable_ladders.py", "media/rtc/test_compiled_part.py")
"""Where else tests are that newer Pythons run, as their files mark them."""

PROGRAMS = ("coturn", "pykka_runtime", "subprocess")
"""Names in a test's module that say that it needs a program all the same."""

HEAVY = {"load", "benchmarks", "packaging", "test_examples.py", "browser"}
"""What keeps a core busy, or several. Its files are spread over the others: a few browsers and load
runs at the same time would make each other, and everything beside them, too late."""

SLOW = ("cli", "live", "media")
"""Where files take long, most of it waiting. They come first: a file that begins last would be
waited for alone."""

failed = pytest.StashKey[bool]()
tests = itertools.count()

loopback.install()

# Each run tries the same examples, however slow the machine is; `script/fuzz` tries others.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None, database=None)
# All examples have been tried on one Python already.
hypothesis.settings.register_profile(
    "newer", hypothesis.settings.get_profile("suite"), max_examples=25
)
hypothesis.settings.load_profile("suite")

# Hundreds of tests start a program that imports Callboard; without the files that Python keeps its
# bytecode in, each would compile it anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# The threads that numpy would have for products of matrices keep a core busy for a while, in each
# program that imports it and after each product; nothing here has large ones.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# Programs that tests start inherit what is ignored. Under nohup that is SIGHUP, and where a script
# starts this with "&" it is SIGINT: both are what tests send to programs.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
# Who ends a run ends what its tests have started, too: browsers are in sessions of their own.
signal.signal(signal.SIGTERM, signal.default_int_handler)


class Run(Protocol):
    """Runs a coroutine, or what a coroutine function gives, on a loop of its own."""

    def __call__(
        self,
        work: Callable[[], Coroutine[Any, Any, T]] | Coroutine[Any, Any, T],
        *,
        loop: Literal["uvloop", "asyncio", "virtual"] = "uvloop",
    ) -> T: ...


@pytest.fixture
def run() -> Run:
    """Run a test's main on a fresh loop: ``run(main)``, or ``run(main(), loop="asyncio")``.

    On ``loop="virtual"`` (see `VirtualTimeLoop`) an hour of timers passes in a moment.
    """

    def run(work: Any, *, loop: str = "uvloop") -> Any:
        with asyncio.Runner(loop_factory=FACTORIES[loop], debug=False) as runner:
            return runner.run(completed(work))

    return run


@pytest.fixture(scope="session", autouse=True)
def temporary_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Make the folder in which each test has one for ``tempfile``.

    Not asked for by name, and not by pytest's factory for each test: a session's fixture keeps a
    note of each test that asks for it, and the factory counts its folders again each time.
    """
    Folders.parent = tmp_path_factory.mktemp("tempfile")
    # Control sockets of programs that tests start; a session's folder is its owner's alone.
    os.environ["XDG_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("run"))


class Folders:
    """Where the folders of tests for ``tempfile`` are.

    Attributes:
        parent: where they are.
        empty: the one that the last test had, and has emptied if it passed.
        numbers: their names.
    """

    parent: Path
    empty: Path | None = None
    numbers = itertools.count()

    @classmethod
    def one(cls) -> Path:
        """Give an empty one: thousands of tests leave nothing, and need none of their own."""
        if cls.empty is None or any(cls.empty.iterdir()):
            cls.empty = cls.parent / str(next(cls.numbers))
            cls.empty.mkdir()
        return cls.empty


@pytest.fixture(scope="module", autouse=True)
def what_other_files_left_is_not_looked_at() -> None:
    """Collect what earlier files left, then keep the rest out of each collection of this one's."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def threads_that_read_end_soon() -> None:
    """In a program they stay until a clip that is played needs them again."""
    threads = sys.modules.get("callboard.media.sources.reader_threads")
    if threads is not None:
        threads.ReaderThreads.IDLE = 0.05


@pytest.fixture(autouse=True)
def loggers_have_their_levels_again() -> Iterator[None]:
    """Undo what a program that a test ran in this process said about its log."""
    before = {logger: logger.level for logger in our_loggers()}
    yield
    for logger in our_loggers():
        if logger.level != (level := before.get(logger, logging.NOTSET)):
            logger.setLevel(level)


def our_loggers() -> list[logging.Logger]:
    """List the root of all loggers, and those of Callboard that exist so far."""
    ours = [
        logger
        for name, logger in logging.getLogger().manager.loggerDict.items()
        if name.split(".")[0] == "callboard" and isinstance(logger, logging.Logger)
    ]
    return [logging.getLogger(), *ours]


@pytest.fixture(autouse=True)
def nothing_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that passed but blocked its loop, left something, or talked to others."""
    if next(tests) % 10 == 0:  # pytest keeps three reports of each test: in a long file they add up
        gc.freeze()
    temporary = Folders.one()
    outside, tempfile.tempdir = tempfile.tempdir, str(temporary)
    before = Snapshot(temporary)
    with watched_loops(patience(request.node)):
        yield
    tempfile.tempdir = outside
    has_failed = request.node.stash.get(failed, False)
    left = [] if has_failed else leftovers(before)
    found = findings.take() + left
    if found and not has_failed:
        pytest.fail("the test passed, but:\n- " + "\n- ".join(found), pytrace=False)


def patience(item: pytest.Item) -> float:
    """Seconds that a test's main has: a little less than pytest-timeout gives to the test."""
    marker = item.get_closest_marker("timeout")
    limit = float(marker.args[0] if marker else item.config.getini("timeout") or 150)
    return max(limit - 10, limit / 2)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage meanwhile: there is none, and looking takes half of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even read the other tests where only units are run."""
    here = Path(__file__).parent
    if config.option.markexpr != "unit" or here not in collection_path.parents:
        return None
    return not has_units(collection_path.relative_to(here)) or None


def has_units(place: PurePath) -> bool:
    """Tell whether units are in a file or a folder of tests.

    Args:
        place: Its path from here on.
    """
    marked = [PurePath(name) for name in MARKED]
    return place.parts[0] in UNITS or any(
        place == one or place in one.parents or one in place.parents for one in marked
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that `script/newer` runs on other Pythons, and put files in their order."""
    rooms = {path: room(path) for path in {item.path for item in items}}
    places = spread(rooms)
    items.sort(key=lambda item: places[item.path])
    for item in items:
        module = getattr(item, "module", None)
        if rooms[item.path] in UNITS and not any(hasattr(module, name) for name in PROGRAMS):
            item.add_marker(pytest.mark.unit)


def spread(rooms: Mapping[Path, str]) -> dict[Path, float]:
    """Give each file its place: slow ones before the others, and heavy ones evenly among these.

    Args:
        rooms: the room of each file.
    """
    slow = sorted(path for path, name in rooms.items() if name in SLOW)
    heavy = sorted(path for path, name in rooms.items() if name in HEAVY)
    places = {path: float(place) for place, path in enumerate(slow)}
    step = len(slow) / max(1, len(heavy))
    places |= {path: place * step - 0.5 for place, path in enumerate(heavy)}
    return {path: places.get(path, float(len(slow) + len(heavy))) for path in rooms}


def room(path: Path) -> str:
    """Give the folder of tests that a file is in, or its own name; "" for one from elsewhere."""
    here = Path(__file__).parent
    return path.relative_to(here).parts[0] if here in path.parents else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test failed, so that what it could not clean up is not held against it."""
    report = yield
    item.stash[failed] = item.stash.get(failed, False) or report.failed
    return report


def pytest_collection_finish() -> None:
    """Make what lasts for the life of the process, and keep it out of each test's collection."""
    uvloop.new_event_loop().close()  # libuv keeps a pipe for signals
    gc.collect()
    gc.freeze()
