"""A recorder whose disk does not answer."""

import logging
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from callboard.actors.call import recorder
from callboard.actors.call.recorder import Recorders
from callboard.media import Direction, Writer
from callboard.tests.conftest import Run
from callboard.tests.media.calls import audio


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
        assert recorders.start(video=False, wav=False)
        for _, frame in audio(Direction.SENT, 440)[:10]:
            recorders.write(Direction.SENT, frame)
        await recorders.finish()
        (recorded,) = recorders.recorded
        assert recorded.path is None
        assert "The disk did not take the rest within" in str(recorded.failure)
        writer.close(0.1)
        assert "did not take the recordings within 0.1 s" in caplog.text
        answers.set()
        writer.close()

    run(main)
