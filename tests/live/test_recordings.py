"""Recordings of live calls: what is heard and seen in them, and what happens when there is none."""

import asyncio
import errno
import os
import shutil
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from callboard.bots import Call
from callboard.media import Direction, inspect
from callboard.tests.conftest import Run
from callboard.tests.harness.loops import lateness
from callboard.tests.harness.ports import free_ports
from callboard.tests.live import heard
from callboard.tests.live.stage import ALICE, BOB, Stage, staged
from callboard.tests.live.test_calls import connect

#: Packets of audio (20 ms each) that a recording shall have.
PACKETS = 60
#: A folder in which not even root may make a file.
UNWRITABLE = Path("/sys/kernel")


async def hold(stage: Stage, *, kind: str = "audio", packets: int = PACKETS) -> None:
    """Let a call go on until both accounts have received so many packets."""
    for account in (ALICE, BOB):
        await stage.media(account, kind, packets)


async def recorded(call: Call, stage: Stage) -> Path:
    await call.hangup()
    await stage.states(ALICE, BOB)
    (recording,) = (await call.ended()).recordings
    assert recording.path is not None
    return Path(recording.path)


def near(found: list[float], wanted: list[float]) -> bool:
    return len(found) == len(wanted) and all(
        abs(one - other) < 15 for one, other in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize("wav", [False, True], ids=["ogg", "wav"])
def test_both_tones_are_on_their_channels(run: Run, tmp_path: Path, wav: bool) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            _, came = await connect(stage, record=True, wav=wav)
            await hold(stage)
            path = await recorded(came, stage)
            assert path.suffix == (".wav" if wav else ".ogg")
            assert oct(path.stat().st_mode & 0o777) == "0o600"
            (tones,) = heard.tones(path)
            assert near(tones, [880, 440])  # left is what we send, right what we hear
            heard.check_sound(path, await stage.record(BOB))
            assert (await stage.record(ALICE)).recordings == ()

    run(main)


@pytest.mark.parametrize("who", [ALICE, BOB], ids=["the caller", "the called"])
def test_both_directions_are_tracks_and_the_clocks_move(run: Run, tmp_path: Path, who: str) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await connect(stage, video="pattern")
            call = out if who == ALICE else came
            await call.record()
            await hold(stage, kind="video", packets=40)
            path = await recorded(call, stage)
            assert path.suffix in (".mkv", ".webm")
            inspection = inspect(path)
            for kind in ("audio", "video"):
                for direction in Direction:
                    assert inspection.has(kind, direction), (kind, direction)
            assert {track.codec for track in inspection.tracks} == {"opus", "vp8"}
            ours, theirs = (440, 880) if who == ALICE else (880, 440)
            tracks = [track for track in inspection.tracks if track.kind == "audio"]
            for track, tones in zip(tracks, heard.tones(path), strict=True):
                wanted = ours if track.directions == (Direction.SENT,) else theirs
                assert near(tones, [wanted] * len(tones))
            for number in (0, 1):
                shown = heard.clocks(path, number)
                # For a picture that is asked for, the film goes back to its last key frame.
                back = [at for at, (x, y) in enumerate(pairwise(shown), 1) if y[1] < x[1]]
                assert len(back) <= 2
                shown = shown[back[-1] if back else 0 :]
                assert len(shown) >= 10
                clocks = [clock for _, clock in shown]
                assert clocks == sorted(clocks)
                span = shown[-1][0] - shown[0][0], clocks[-1] - clocks[0]
                assert abs(span[0] - span[1]) < 0.5 + lateness()

    run(main)


@pytest.mark.parametrize("obstacle", ["read-only", "full"])
def test_without_room_for_the_recording_the_call_goes_on_and_the_record_says_why(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    async def main() -> None:
        folder = UNWRITABLE if obstacle == "read-only" else tmp_path
        async with staged(tmp_path, [ALICE, BOB], recordings=folder) as stage:
            if obstacle == "full":
                monkeypatch.setattr(os, "pwrite", full)
            out, came = await connect(stage, record=True)
            await hold(stage, packets=20)
            assert (await out.status()).phase == "connected"
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            record = await came.ended()
            assert (record.reason, record.text) == ("success", "")
            (recording,) = record.recordings
            assert recording.failure is not None
            if obstacle == "read-only":
                assert recording.path is None
            else:
                assert "space" in recording.failure

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    run(main)


def test_sockets_have_the_addresses_and_ports_of_the_settings(run: Run, tmp_path: Path) -> None:
    first, last = free_ports(40)
    media = {"addresses": ["127.0.0.2"], "ports": f"{first}-{last}"}

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB], media=media) as stage:
            before = udp_sockets()
            out, _ = await connect(stage, video="pattern")
            opened = udp_sockets() - before
            assert len(opened) >= 2
            for address, port in opened:
                assert address == "127.0.0.2"
                assert first <= port <= last
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]

    run(main)


def udp_sockets() -> set[tuple[str, int]]:
    """Return the addresses and ports of this process's UDP sockets, as the kernel has them."""
    own = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the listing's own descriptor is closed by now
            own.add(entry.stat().st_ino)
    found = set()
    for line in Path("/proc/self/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[9]) in own:
            address, port = fields[1].split(":")
            octets = bytes.fromhex(address)[::-1]
            found.add((".".join(map(str, octets)), int(port, 16)))
    return found


def test_all_recordings_of_a_call_are_in_its_record(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await connect(stage, record=True)
            await hold(stage, packets=20)
            (first,) = await came.recordings()
            stopping = asyncio.create_task(first.stop())
            second = await came.record(wav=True)  # at once
            await hold(stage, packets=70)
            assert inspect((await stopping).paths[0]).seconds > 0.3
            await second.stop()
            await came.record()
            await hold(stage, packets=120)
            await out.hangup()
            await stage.states(ALICE, BOB)
            recordings = (await came.ended()).recordings
            paths = [Path(each.path or "") for each in recordings]
            assert [path.suffix for path in paths] == [".ogg", ".wav", ".ogg"]
            assert len(set(paths)) == 3
            for each, path in zip(recordings, paths, strict=True):
                assert each.failure is None
                assert inspect(path).seconds > 0.3

    run(main)


def test_each_direction_has_a_recording_of_its_own_beside_that_of_both(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await connect(stage)
            theirs = await came.record(direction="received")
            ours = await came.record(direction="sent", wav=True)
            both = await came.record()
            places = [theirs.path, ours.path, both.path]
            assert len(set(places)) == 3
            assert not any(
                path.exists() for path in places
            )  # they are known before the first frame
            await hold(stage)
            outcome = await theirs.stop()
            assert (await came.status()).phase == "connected"
            assert outcome.failure is None
            assert outcome.path == places[0]
            assert outcome.bytes == places[0].stat().st_size
            assert inspect(places[0]).seconds == pytest.approx(outcome.seconds, abs=0.05)
            await hold(stage, packets=2 * PACKETS)
            await out.hangup()
            await stage.states(ALICE, BOB)
            others = [await ours.ended, await both.ended]
            assert [one.path for one in others] == places[1:]
            assert min(one.seconds for one in others) > outcome.seconds + 0.5
            assert [path.suffix for path in places] == [".ogg", ".wav", ".ogg"]
            (heard_theirs,), (heard_ours,), (heard_both,) = (heard.tones(path) for path in places)
            assert near(heard_theirs, [440])
            assert near(heard_ours, [880])
            assert near(heard_both, [880, 440])
            recordings = (await came.ended()).recordings
            assert [one.direction for one in recordings] == ["received", "sent", "both"]
            assert recordings == tuple(one for each in (outcome, *others) for one in each.files)

    run(main)


def test_a_bot_is_told_at_once_that_its_recording_failed_and_can_begin_another(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "recordings"

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB], recordings=folder) as stage:
            out, came = await connect(stage, record=True)
            await hold(stage, packets=60)
            shutil.rmtree(folder)
            why = await stage.told(BOB, str, lambda text: "recording" in text)
            assert "was removed" in why
            assert (await came.status()).phase == "connected"
            await came.record()
            await hold(stage, packets=200)
            await out.hangup()
            assert await stage.states(ALICE, BOB) == ["completed", "completed"]
            lost, kept = (await came.ended()).recordings
            assert (lost.path, lost.failure) == (None, why)
            assert kept.failure is None
            assert inspect(Path(kept.path or "")).seconds > 0.3

    run(main)
