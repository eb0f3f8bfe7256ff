"""What may be played from the board: what has a name, and the files of one folder."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from callboard.bots import source
from callboard.config.web import WebSettings
from callboard.control.commands.all import COMMANDS
from callboard.media import Kind
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.media.sources.films import Film
from callboard.tests.media.wav import write_wav
from callboard.tests.web.http import ask
from callboard.tests.web.stage import TOKENS, bare_board, boarded
from callboard.web.commands import ROUTES, CommandRoute
from callboard.web.playable_files import PlayableFiles, _played

CONTROL = TOKENS["control"]


def fields() -> Iterator[tuple[CommandRoute, str]]:
    """Give each field of a command over HTTP that names what is played."""
    for route in ROUTES:
        if route.name in COMMANDS:
            for name in _played(COMMANDS[route.name].command):
                yield route, name


def test_every_field_that_is_played_is_marked() -> None:
    played = {(route.name, name) for route, name in fields()}
    by_name = {
        (name, field)
        for name, handler in COMMANDS.items()
        for field in handler.command.model_fields.keys() & {"audio", "video", "source"}
    }
    assert played == by_name
    assert len(played) == 5


@pytest.mark.parametrize("has_folder", [True, False])
def test_no_path_of_a_client_is_opened(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_folder: bool
) -> None:
    folder, outside = tmp_path / "sounds", tmp_path / "outside.wav"
    (folder / "inner").mkdir(parents=True)
    write_wav(outside)
    write_wav(folder / "inner" / "deep.wav")
    write_wav(folder / ".hidden.wav")
    opened: list[Path] = []

    def looked_at(path: Path) -> bool:
        opened.append(path)
        return False

    monkeypatch.setattr(source, "_is_file", looked_at)
    tried = [
        str(outside),
        "outside.wav",
        "../outside.wav",
        f"loop:{outside}",
        "loop:../outside.wav",
        f"file://{outside}",
        "~/outside.wav",
        "inner",
        "inner/deep.wav",
        ".hidden.wav",
        ".",
        "..",
        "/",
        "/dev/zero",
        "x\0y",
        "tone",
        "Tone:440",
    ]

    async def main() -> None:
        web = {"files": folder} if has_folder else {}
        async with bare_board(tmp_path, **web) as (_, port):
            for route, name in fields():
                path = route.path.replace("{call:path}", "x")
                for text in tried:
                    given = {"account": ALICE, "to": BOB} if route.name == "call" else {}
                    body = {**given, name: text}
                    answer = await ask(port, path, "POST", body=body, token=CONTROL)
                    refused = answer.json["detail"].startswith(f"{name} is ")
                    assert refused == (text != "tone"), (path, name, text, answer)
                    if refused:
                        assert answer.status == 422

    run(main)
    assert not opened


def test_files_of_the_folder_are_listed_and_played_by_their_names(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    write_wav(folder / "beep.wav")
    write_wav(folder / "a b: c.wav")
    web = {"tokens": TOKENS, "files": folder}

    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB], web=web) as (stage, port):
            assert (await ask(port, "/api/files", token=TOKENS["listen"])).status == 403
            listed = await ask(port, "/api/files", token=CONTROL)
            both = ["a b: c.wav", "beep.wav"]
            assert listed.json == {"files": both, "sounds": both, "pictures": []}
            body = {"account": ALICE, "to": BOB, "audio": "loop:beep.wav", "seconds": None}
            placed = await ask(port, "/api/calls", "POST", body=body, token=CONTROL)
            call = placed.json["id"]
            await stage.ringing(BOB, call)
            for what, fields in (
                ("answer", {"audio": "a b: c.wav", "account": BOB}),
                ("play", {"source": "beep.wav", "account": ALICE}),
            ):
                if what == "play":
                    await stage.phase(ALICE, "connected")
                target = f"/api/calls/{call}/{what}"
                answer = await ask(port, target, "POST", body=fields, token=CONTROL)
                assert answer.status == 200, answer.body
            await ask(port, f"/api/calls/{call}/hangup", "POST", token=CONTROL)
            await stage.record(ALICE, call)

    run(main)


def test_only_files_that_can_be_played_are_listed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "sounds"
    folder.mkdir()
    write_wav(folder / "beep.wav")
    Film("film.webm", seconds=1).write(folder)
    (folder / "notes.txt").write_text("A line of words\n" * 100)
    (folder / "song.mp3").write_text("no song")
    (folder / "empty.ogg").touch()
    read: list[str] = []
    look = PlayableFiles._look

    def counted(self: PlayableFiles, name: str) -> frozenset[Kind]:
        read.append(name)
        return look(self, name)

    monkeypatch.setattr(PlayableFiles, "_look", counted)

    async def main() -> None:
        async with bare_board(tmp_path, files=folder) as (_, port):
            for _ in range(2):
                listed = (await ask(port, "/api/files", token=CONTROL)).json
                assert listed["files"] == ["beep.wav", "film.webm"]
                assert listed["sounds"] == ["beep.wav"]
                assert listed["pictures"] == ["film.webm"]
            assert len(read) == 5  # once each
            (folder / "song.mp3").unlink()
            write_wav(folder / "empty.ogg")
            listed = (await ask(port, "/api/files", token=CONTROL)).json
            assert listed["sounds"] == ["beep.wav", "empty.ogg"]
            assert read[5:] == ["empty.ogg"]
            for name, words in (
                ("bep.wav", "did you mean 'beep.wav'?"),
                ("patern", "did you mean 'pattern'?"),
                ("x", "like 'beep.wav'"),
            ):
                body = {"account": ALICE, "to": BOB, "audio": name}
                answer = await ask(port, "/api/calls", "POST", body=body, token=CONTROL)
                assert words in answer.json["detail"]

    run(main)


def test_a_link_leads_to_a_file_of_the_folder_or_nowhere(run: Run, tmp_path: Path) -> None:
    folder, outside = tmp_path / "sounds", tmp_path / "outside"
    for one in (folder / "inner", outside):
        one.mkdir(parents=True)
        write_wav(one / "far.wav")
    write_wav(folder / "beep.wav")
    write_wav(folder / ".hidden.wav")
    links: dict[str, str | Path] = {
        "same.wav": "beep.wav",
        "absolute.wav": folder / "beep.wav",
        "chain.wav": "same.wav",
        "out.wav": outside / "far.wav",
        "up.wav": "../outside/far.wav",
        "inner.wav": "inner/far.wav",
        "secret.wav": ".hidden.wav",
        "two.wav": "out.wav",
        "broken.wav": "missing.wav",
        "round.wav": "round.wav",
        "folder.wav": "inner",
        "device.wav": "/dev/zero",
    }
    for name, target in links.items():
        (folder / name).symlink_to(target)
    (tmp_path / "linked").symlink_to(folder)  # where the folder itself is, the file says

    async def main(files: Path) -> None:
        async with bare_board(tmp_path, files=files) as (_, port):
            listed = await ask(port, "/api/files", token=CONTROL)
            names = ["absolute.wav", "beep.wav", "chain.wav", "same.wav"]
            assert listed.json["files"] == names
            for name in links.keys() - {"absolute.wav", "chain.wav", "same.wav"}:
                body = {"account": ALICE, "to": BOB, "audio": name}
                answer = await ask(port, "/api/calls", "POST", body=body, token=CONTROL)
                assert answer.json["detail"].startswith("audio is "), (name, answer)

    run(partial(main, folder))
    run(partial(main, tmp_path / "linked"))


def test_no_folder_of_the_server_is_told(run: Run, tmp_path: Path) -> None:
    """Whatever is wrong with a file, and however its folder is written, its name alone is told."""
    folder = tmp_path / "sounds"
    folder.mkdir()
    (folder / "noise.wav").write_bytes(b"no sound at all")
    (folder / "empty.ogg").touch()
    (folder / "text.txt").write_text("words")
    (tmp_path / "linked").symlink_to(folder)

    async def main(files: Path) -> None:
        web = {"tokens": TOKENS, "files": files}
        async with boarded(tmp_path, [ALICE, BOB], web=web) as (_, port):
            for name in ("noise.wav", "empty.ogg", "text.txt"):
                for text in (name, f"loop:{name}"):
                    for field in ("audio", "video"):
                        body = {"account": ALICE, "to": BOB, field: text}
                        answer = await ask(port, "/api/calls", "POST", body=body, token=CONTROL)
                        assert answer.status == 422, answer
                        assert name in answer.json["detail"]
                        assert str(tmp_path) not in answer.json["detail"]
            for target in ("/api/ladders/nosuch", "/api/ladders/last", "/api/history/nosuch"):
                answer = await ask(port, target, token=CONTROL)
                assert answer.status == 404
                assert str(tmp_path) not in answer.body.decode()

    for files in (folder, tmp_path / "linked", folder / ".." / "sounds"):
        run(partial(main, files))


def test_the_folder_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no folder"):
        WebSettings.model_validate({"files": tmp_path / "missing"})
