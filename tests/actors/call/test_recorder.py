"""A recorder whose disk does not answer."""

import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from callboard.actors.call import recorder
from callboard.actors.call.recorders import Recorders
from callboard.actors.messages.call import KeyframeNeeded
from callboard.media import Direction, Writer
from callboard.tests.conftest import Run
from callboard.tests.media.calls import audio, video


def test_a_disk_that_does_not_answer_holds_up_neither_the_call_nor_the_end_of_the_process(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recorder, "DEADLINE", 0.3)
    caplog.set_level(logging.ERROR)
    answers = threading.Event()

    async def main() -> None:
        writer = Writer()
        writer.submit(answers.wait)  # what a write to a network drive does that is gone
        context: Any = SimpleNamespace(recordings=tmp_path, writer=writer)
        recorders = Recorders(context, "call")
        recorders.start(video=False, wav=False)
        for _, frame in audio(Direction.SENT, 440)[:10]:
            recorders.write(Direction.SENT, (frame,))
        await recorders.finish()
        (recorded,) = recorders.recorded
        assert recorded.path is None
        assert "The disk did not take the rest within" in str(recorded.failure)
        writer.close(0.1)
        assert "did not take the recordings within 0.1 s" in caplog.text
        answers.set()
        writer.close()

    run(main)


def test_video_of_which_nothing_can_be_shown_is_said_to_be_missing(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        with Writer() as writer:
            context: Any = SimpleNamespace(recordings=tmp_path, writer=writer)
            recorders = Recorders(context, "call")
            recorders.miss(Direction.RECEIVED)  # nobody records
            recorders.start(video=True, wav=False)
            for _, frame in audio(Direction.SENT, 440)[:10]:
                recorders.write(Direction.SENT, (frame,))
            recorders.miss(Direction.RECEIVED)
            await recorders.finish()
            (recorded,) = recorders.recorded
            assert recorded.path is not None
            assert "The received video is not in the recording" in str(recorded.failure)

    run(main)


def test_a_recording_that_begins_between_key_frames_has_its_call_ask_for_one(
    run: Run, tmp_path: Path
) -> None:
    told: list[Any] = []
    frames = video(Direction.RECEIVED)

    async def main() -> None:
        with Writer() as writer:
            context: Any = SimpleNamespace(recordings=tmp_path, writer=writer)
            call: Any = SimpleNamespace(post=told.append)
            recorders = Recorders(context, "call", call)
            recorders.start(video=True, wav=False)
            for _, frame in frames[1:20]:
                recorders.write(Direction.RECEIVED, (frame,))
            await recorders.finish()
            (recorded,) = recorders.recorded
            assert recorded.kind == "video"

    run(main)
    assert [each for each in told if isinstance(each, KeyframeNeeded)] == [
        KeyframeNeeded(Direction.RECEIVED)
    ]
