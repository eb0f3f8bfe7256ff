"""Certificates that a child makes, while we do something else."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event
from typing import Any

import pytest
from callboard.server.certificates import HOST, Certificates, EarlyCertificates

#: Takes certificates of a child, twice; prints whether the library was imported after each.
SCRIPT = """
import sys
from contextlib import closing
from callboard.server.certificates import HOST, EarlyCertificates
with closing(EarlyCertificates(HOST)) as early:
    for _ in range(2):
        print(early.take(HOST).key.count("PRIVATE"), "cryptography" in sys.modules)
"""


def is_there(child: int) -> bool:
    """Tell whether a child has not been waited for."""
    try:
        os.waitpid(child, os.WNOHANG)
    except ChildProcessError:
        return False
    return True


def test_the_child_imports_what_makes_them_and_serves_once() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", SCRIPT], capture_output=True, encoding="utf-8", check=True
    )
    assert (done.stdout.splitlines(), done.stderr) == (["2 False", "2 True"], "")


def test_each_child_makes_its_own() -> None:
    with closing(EarlyCertificates(HOST)) as one, closing(EarlyCertificates(HOST)) as other:
        assert len({early.take(HOST).key for early in (one, other)}) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_child_that_is_ended_says_nothing_and_others_make_them(
    number: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(EarlyCertificates(HOST)) as early:
        os.kill(early._child, number)
        assert isinstance(early.take(HOST), Certificates)
    assert capfd.readouterr() == ("", "")


def test_of_another_domain_they_are_made_when_they_are_wanted() -> None:
    with closing(EarlyCertificates(HOST)) as early:
        child = early._child
        assert "example.org" not in early.take(HOST).chain
        assert isinstance(early.take("example.org"), Certificates)
    assert not is_there(child)


def test_what_nobody_takes_is_ended() -> None:
    with closing(EarlyCertificates(HOST)) as early:
        child = early._child
        assert is_there(child)
    assert not is_there(child)


def test_who_closes_while_another_waits_leaves_the_child_to_him(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits, opened = Event(), os.fdopen

    def opening(*arguments: Any) -> Any:
        waits.set()
        return opened(*arguments)

    with closing(EarlyCertificates(HOST)) as early, ThreadPoolExecutor(1) as pool:
        child = early._child
        os.kill(child, signal.SIGSTOP)
        monkeypatch.setattr(os, "fdopen", opening)
        made = pool.submit(early.take, HOST)
        assert waits.wait(60)
        early.close()
        os.kill(child, signal.SIGCONT)
        assert isinstance(made.result(60), Certificates)
    assert not is_there(child)
