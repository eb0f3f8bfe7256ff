"""What a phase of calls names is sent for as long as the calls last."""

from pathlib import Path

import pytest
from callboard.load.plan.phase import CallPhase
from callboard.load.run.phase_sources import find_sources
from callboard.media import Echo, Playback
from callboard.tests.conftest import Run
from callboard.tests.media.sources.films import Film
from callboard.tests.media.sources.test_rendition_reader import read
from callboard.tests.media.wav import write_wav


@pytest.mark.parametrize("name", ["short.wav", "tone:440:100ms", "loop:short.wav", "tone"])
def test_what_has_an_end_is_played_again_and_again(run: Run, tmp_path: Path, name: str) -> None:
    write_wav(tmp_path / "short.wav")

    async def main() -> None:
        phase = CallPhase.model_validate({"rate": 1, "duration": 1, "audio": name})
        sources = await find_sources(phase, tmp_path)
        assert sources.audio is not None
        playback = Playback("audio", sources.audio)
        playback.prepare("opus")
        assert len(await read(playback, 40)) == 40
        assert not playback.is_over
        playback.stop()

    run(main)


@pytest.mark.parametrize("name", ["short.wav", "tone:440:100ms"])
def test_it_is_played_once_if_the_plan_says_so(run: Run, tmp_path: Path, name: str) -> None:
    write_wav(tmp_path / "short.wav")

    async def main() -> None:
        phase = CallPhase.model_validate({"rate": 1, "duration": 1, "audio": name, "loop": False})
        sources = await find_sources(phase, tmp_path)
        assert sources.audio is not None
        playback = Playback("audio", sources.audio)
        playback.prepare("opus")
        assert 5 <= len(await read(playback, 40)) <= 7
        assert playback.is_over

    run(main)


def test_a_film_repeats_and_what_is_live_stays_as_it_is(run: Run, tmp_path: Path) -> None:
    Film(seconds=1).write(tmp_path)

    async def main() -> None:
        phase = CallPhase.model_validate(
            {"rate": 1, "duration": 1, "audio": "echo", "video": "film.webm"}
        )
        sources = await find_sources(phase, tmp_path)
        assert sources.audio == Echo()
        assert sources.video is not None
        playback = Playback("video", sources.video)
        playback.prepare("VP8")
        units = await read(playback, 35)
        assert [at for at, unit in enumerate(units) if unit.keyframe] == [0, 10, 20, 30]
        playback.stop()

    run(main)
