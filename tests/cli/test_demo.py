"""``callboard demo``: a whole call, its record and its recording."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import av
import pytest
from callboard.actors.records.call_record import CallRecord
from callboard.cli.demo import length_fault
from callboard.jingle import Reason
from callboard.tests.cli.command import (
    PACKET,
    callboard,
    in_process,
    records,
    running,
    seconds_between,
)

FIELDS = [
    *("version", "uuid", "id", "account", "peer", "direction", "state", "reason", "text"),
    *("started", "ringing", "answered", "connected", "ended", "setup_ms", "steps"),
    *("media", "recordings", "freezes", "listeners", "bridges", "digits"),
]
MEDIA_FIELDS = [
    *("kind", "codec", "sent", "received", "lost", "jitter_ms", "rtt_ms", "mos"),
    *("freezes", "frozen_ms", "peer_lost", "peer_jitter_ms"),
]
STEPS = ["propose", "ringing", "proceed", "initiate", "accept", "ice", "dtls", "first-audio"]


def played(path: Path) -> dict[str, float]:
    """Seconds of each track, by its title, with every frame decoded."""
    seconds = {}
    with av.open(str(path)) as file:
        count = len(file.streams)
    for index in range(count):
        with av.open(str(path)) as file:
            stream = file.streams[index]
            title = stream.metadata.get("title", f"track {index}")
            times = [
                frame.time
                for frame in file.decode(stream)
                if isinstance(frame, av.AudioFrame | av.VideoFrame) and frame.time is not None
            ]
            seconds[f"{title} {stream.codec_context.codec.canonical_name}"] = times[-1] - times[0]
    return seconds


def check_lengths(
    tracks: dict[str, float], found: dict[str, dict[str, Any]], seconds: float
) -> None:
    """The call was held, all its sound is in the recording, and pictures are there all the time.

    A busy machine may begin late with the media, and leaves out what it has held up: from where
    they begin, at least half is there.
    """
    assert seconds_between(found["alice@localhost"], "connected", "ended") > seconds - 0.1
    record = found["desk@localhost"]
    length = seconds_between(record, "connected", "ended")
    [sound] = [
        min(media["sent"], media["received"])
        for media in record["media"]
        if media["kind"] == "audio"
    ]
    for name, track in tracks.items():
        if name.endswith("opus"):
            assert track > PACKET * sound - 0.2, name
        first = record["steps"]["first-audio" if name.endswith("opus") else "first-video"]
        flowed = seconds_between(record, "started", "ended") - first
        assert flowed / 2 < track < length + 0.5, name


def test_audio_and_video(tmp_path: Path) -> None:
    done = callboard("demo", "--seconds", 2, "--out", tmp_path / "out", anew=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    for step in (*STEPS, "first-video"):
        assert f"\n {step} " in done.stdout
    assert "✓ connected" in done.stdout

    found = records(tmp_path / "out" / "calls.jsonl")
    assert set(found) == {"alice@localhost", "desk@localhost"}
    for account, record in found.items():
        assert list(record) == FIELDS
        assert record["state"] == "completed"
        assert record["direction"] == ("out" if account.startswith("alice") else "in")
        times = [
            datetime.fromisoformat(record[name])
            for name in ("started", "ringing", "answered", "connected", "ended")
        ]
        assert times == sorted(times)
        assert all(time.utcoffset() is not None for time in times)
        assert record["setup_ms"] > 0
        assert [list(media) for media in record["media"]] == [MEDIA_FIELDS] * 2
        assert {media["codec"] for media in record["media"]} == {"opus", "VP8"}
        assert all(media["sent"] and media["received"] for media in record["media"])
    assert found["alice@localhost"]["id"] == found["desk@localhost"]["id"]
    assert found["alice@localhost"]["recordings"] == []

    (recording,) = found["desk@localhost"]["recordings"]
    path = Path(recording["path"])
    assert list(recording) == ["path", "kind", "seconds", "octets", "failure", "direction"]
    assert path.stat().st_size == recording["octets"]
    assert path.stat().st_mode & 0o777 == 0o600
    tracks = played(path)
    assert sorted(tracks) == ["received opus", "received vp8", "sent opus", "sent vp8"]
    check_lengths(tracks, found, 2)


def test_audio_only(tmp_path: Path) -> None:
    done = callboard("demo", "--seconds", 1, "--audio-only", "--out", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "video" not in done.stdout
    found = records(tmp_path / "calls.jsonl")
    assert [media["kind"] for media in found["desk@localhost"]["media"]] == ["audio"]
    path = Path(found["desk@localhost"]["recordings"][0]["path"])
    assert path.suffix == ".ogg"
    check_lengths(played(path), found, 1)


def test_json_lines(tmp_path: Path) -> None:
    done = callboard("demo", "--seconds", 1, "--audio-only", "--json", "--out", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {"AccountChanged", "CallStatus", "CallRecord", "Verdict"} <= {
        event["event"] for event in events
    }
    assert all(datetime.fromisoformat(event["time"]).utcoffset() is not None for event in events)
    assert events[-1] == {
        "time": events[-1]["time"],
        "event": "Verdict",
        "ok": True,
        "faults": [],
    }


def test_out_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.touch()
    done = in_process("demo", "--out", file)
    assert done.returncode == 2
    assert done.stderr == f"callboard: --out {file}: {file} is a file: name a folder\n"


@pytest.mark.parametrize(
    ("packets", "seconds", "is_right"),
    [
        (500, 10.0, True),
        (500, 10.4, True),
        (500, 9.4, False),
        (500, 10.7, False),
        (350, 7.0, True),
        (350, 10.0, True),
        (350, 6.4, False),
        (0, 0.0, True),
    ],
)
def test_a_recording_is_as_long_as_the_sound_that_came(
    packets: int, seconds: float, is_right: bool
) -> None:
    record = CallRecord(
        id="sid",
        account="desk@localhost",
        peer="alice@localhost/phone",
        direction="in",
        state="completed",
        reason=Reason.SUCCESS,
        started=99.0,
        answered=99.9,
        connected=100.0,
        ended=110.0,
        media=({"kind": "audio", "received": packets}, {"kind": "video", "received": 9000}),
    )
    fault = length_fault(record, seconds)
    assert (fault is None) == is_right
    assert fault is None or f"{seconds:.2f} s" in fault


@pytest.mark.parametrize("out", [None, "elsewhere"])
def test_a_second_demo_and_past_calls_find_the_one_that_runs(
    tmp_path: Path, out: str | None
) -> None:
    where = () if out is None else ("--out", out)
    folder = out or "callboard-demo"
    with running("demo", "--out", tmp_path / folder, "--web") as board:
        board.until(lambda one: one["event"] == "AccountChanged" and one["state"] == "online")
        for more in ((), ("--web",)):
            second = in_process("demo", *where, *more, cwd=tmp_path)
            assert (second.returncode, second.stdout) == (1, "")
            words = f"callboard: a demo runs already with the folder {folder}: callboard status"
            assert second.stderr.startswith(words)
        listed = in_process("calls", cwd=tmp_path)
        assert (listed.returncode, listed.stderr) == (0, ""), listed
    if out is None:  # it is found by its name afterwards
        assert in_process("calls", cwd=tmp_path).returncode == 0
