"""Who may have a socket's path, and who may connect to it."""

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import pytest
from callboard.control import address
from callboard.control.address import NoPlaceError, derived_name, own_folder, sockets_in, sockets_of
from callboard.control.claim import AlreadyRunningError, claim
from callboard.control.client import Client
from callboard.control.problem import NoInstanceError

NOBODY = 65534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path is short enough, and open to others."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o177])
def test_the_socket_is_its_owner_s_from_the_first_moment(folder: Path, umask: int) -> None:
    """Whoever looks right after it was bound sees that; before it listens nobody can connect."""
    path = folder / "s"
    modes = []
    bind = socket.socket.bind

    class Watched(socket.socket):
        def bind(self, where: object) -> None:
            bind(self, where)  # type: ignore[arg-type]
            modes.append(stat.S_IMODE(path.stat().st_mode))
            with socket.socket(socket.AF_UNIX) as early:
                assert early.connect_ex(str(path)) != 0

    before = os.umask(umask)
    try:
        with mock.patch.object(socket, "socket", Watched):
            claimed = claim(path)
    finally:
        os.umask(before)
    assert all(not mode & 0o077 for mode in modes)
    assert len(modes) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    claimed.release()
    assert not list(folder.iterdir())


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become another user")
def test_another_user_can_not_connect(folder: Path) -> None:
    path = folder / "s"
    claimed = claim(path)
    child = os.fork()
    if child == 0:  # it must not come back into the test
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
        with socket.socket(socket.AF_UNIX) as stranger:
            os._exit(stranger.connect_ex(str(path)))
    _, status = os.waitpid(child, 0)
    claimed.release()
    assert os.waitstatus_to_exitcode(status) == 13  # EACCES


def test_a_second_one_is_told_who_has_it(folder: Path) -> None:
    claimed = claim(folder / "s")
    with pytest.raises(AlreadyRunningError, match=f"process {os.getpid()}"):
        claim(folder / "s")
    claimed.release()
    claim(folder / "s").release()


def _claim_and_die(path: Path) -> None:
    claim(path)
    os._exit(0)


def test_what_a_killed_one_has_left_is_replaced(folder: Path) -> None:
    path = folder / "s"
    process = get_context("fork").Process(target=_claim_and_die, args=(path,))
    process.start()
    process.join()
    assert sorted(one.name for one in folder.iterdir()) == ["s", "s.lock"]
    claimed = claim(path)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    claimed.release()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "listener", "open", "long", "absent"])
def test_where_there_can_be_none_is_said(folder: Path, kind: str) -> None:
    path, words = folder / "s", "is no socket"
    listener = socket.socket(socket.AF_UNIX)
    match kind:
        case "file":
            path.write_text("precious")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to("/dev/null")
        case "listener":
            listener.bind(str(path))
            listener.listen()
            words = "another program listens"
        case "open":
            folder.chmod(0o777)
            words = "everybody may write"
        case "long":
            path, words = folder / ("s" * 108), "too long for a socket"
        case "absent":
            path, words = folder / "x" / "s", "No such file"
    with pytest.raises(NoPlaceError, match=words):
        claim(path)
    listener.close()
    assert kind != "file" or path.read_text() == "precious"
    left = {one.name for one in folder.iterdir()} - {"s"}
    assert left <= {"s.lock"}


def test_each_file_has_a_socket_of_its_own(tmp_path: Path) -> None:
    names = {
        derived_name(tmp_path / name)
        for name in ("a.yaml", "b.yaml", "a.yml", "x/a.yaml", "a", "ä.yaml", "a" * 200 + ".yaml")
    }
    assert len(names) == 7
    assert all(len(os.fsencode(name)) <= address.LONGEST_NAME for name in names)
    (tmp_path / "c.yaml").symlink_to("a.yaml")
    assert derived_name(tmp_path / "c.yaml") == derived_name(tmp_path / "a.yaml")
    assert derived_name(tmp_path / "x" / ".." / "a.yaml") == derived_name(tmp_path / "a.yaml")


@pytest.mark.parametrize("fault", ["others", "a link", "a file", "a stranger's"])
def test_a_folder_that_others_may_enter_is_not_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    place = folder / "callboard"
    monkeypatch.setattr(address, "candidates", lambda: [place])
    assert own_folder() == place
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    if fault == "a stranger's":
        if os.getuid() != 0:
            pytest.skip("needs root, to give a folder away")
        os.chown(place, NOBODY, NOBODY)
    elif fault == "others":
        place.chmod(0o750)
    else:
        place.rmdir()
        (place.symlink_to("/tmp") if fault == "a link" else place.write_text(""))
    with pytest.raises(NoPlaceError):
        own_folder()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("accounts: []\ncontrol: run/s\n", "run/s"),
        ("control: /run/s # here\n", "/run/s"),
        ("accounts: [{control: x}]\n", None),
        ("control: [1]\n", None),
        ("control: 'broken\n", None),
        ("", None),
    ],
)
def test_a_file_says_where_its_socket_is(tmp_path: Path, text: str, found: str | None) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(text)
    declared = [] if found is None else [tmp_path / found]
    assert sockets_of(file)[: len(declared)] == declared
    assert len(sockets_of(file)) == len(declared) + len(address.candidates())


def test_a_client_finds_what_runs_in_a_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = folder / "files"
    files.mkdir()
    monkeypatch.setattr(address, "candidates", lambda: [folder])
    (files / "a.yaml").write_text("control: a.sock\n")
    (files / "b.yaml").write_text("accounts: []\n")
    with pytest.raises(NoInstanceError, match="nothing runs"):
        Client.find(folder=files)
    declared = claim(files / "a.sock")
    assert Client.find(folder=files) == files / "a.sock"
    assert Client.find(files / "a.yaml") == files / "a.sock"
    derived = claim(folder / derived_name(files / "b.yaml"))
    assert set(sockets_in(files)) == {declared.path, derived.path}
    with pytest.raises(NoInstanceError, match="several instances run"):
        Client.find(folder=files)
    declared.listener.close()  # as if it had been killed
    assert Client.find(folder=files) == derived.path
    derived.release()
    declared.release()
