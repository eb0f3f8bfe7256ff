"""Sound that is written while it is played."""

import asyncio
from itertools import pairwise
from typing import Any

import av
import numpy as np
import pytest
from callboard.media import Feed, Silence, SourceError
from callboard.media.codecs.sound import SoundDecoder
from callboard.media.frames.codec import CODECS
from callboard.media.sources.feed import FeedReader
from callboard.media.sources.unit import Unit
from callboard.tests.conftest import Run
from callboard.tests.media.codecs.test_sound import pitch, tone
from callboard.tests.media.legs import call, samples


async def read(reader: FeedReader, count: int) -> list[Unit]:
    """Read frames as a leg does, but each as soon as it is encoded."""
    units: list[Unit] = []
    while len(units) < count and not reader.ended:
        await asyncio.sleep(0)
        while reader._is_encoding:  # noqa: ASYNC110 -- a thread does it
            await asyncio.sleep(0)
        unit = reader.read()
        if unit is not None:
            units.append(unit)
    return units


def heard(units: list[Unit], codec: str, channels: int = 1) -> Any:
    decoder = SoundDecoder(codec, channels)
    return np.concatenate([decoder.decode(unit.data) for unit in units])


def frame(frequency: int, rate: int, seconds: float, form: str, layout: str) -> av.AudioFrame:
    wave = tone(frequency, rate, seconds, 1)[:, 0]
    channels = av.AudioLayout(layout).nb_channels
    planes = np.repeat(wave[None, :], channels, axis=0)
    if form == "fltp":
        made = av.AudioFrame.from_ndarray(
            (planes / 32768).astype(np.float32), format=form, layout=layout
        )
    else:
        flat = np.ascontiguousarray(planes.T).reshape(1, -1)
        made = av.AudioFrame.from_ndarray(flat, format=form, layout=layout)
    made.sample_rate = rate
    return made


FORMS: dict[str, Any] = {
    "array": (16_000, 1, lambda: tone(440, 16_000, 0.5, 1)[:, 0]),
    "column": (8_000, 1, lambda: tone(440, 8_000, 0.5, 1)),
    "stereo": (48_000, 2, lambda: tone(440, 48_000, 0.5, 2)),
    "interleaved": (48_000, 2, lambda: tone(440, 48_000, 0.5, 2).reshape(-1)),
    "bytes": (24_000, 1, lambda: tone(440, 24_000, 0.5, 1).tobytes()),
    "memoryview": (44_100, 1, lambda: memoryview(tone(440, 44_100, 0.5, 1).tobytes())),
    "floats": (16_000, 1, lambda: frame(440, 44_100, 0.5, "fltp", "stereo")),
    "5.1": (16_000, 1, lambda: frame(440, 48_000, 0.5, "fltp", "5.1")),
    "G.711's": (16_000, 1, lambda: frame(440, 8_000, 0.5, "s16", "mono")),
}


@pytest.mark.parametrize("codec", CODECS["audio"])
@pytest.mark.parametrize("form", FORMS)
def test_sound_of_any_form_is_heard(run: Run, codec: str, form: str) -> None:
    rate, channels, make = FORMS[form]

    async def main() -> None:
        feed = Feed(rate, channels=channels, buffer=1)
        reader = feed.open("audio", codec)
        await feed.write(make())
        feed.close()
        units = await read(reader, 100)
        assert 25 <= len(units) <= 26
        assert reader.failure is None
        wave = heard(units, codec)[:, 0]
        rate_heard = SoundDecoder(codec).rate
        assert pitch(wave, rate_heard) == pytest.approx(440, abs=3)

    run(main)


@pytest.mark.parametrize("size", [1, 7, 80, 160, 320, 333, 8000])
def test_pieces_of_any_length_make_one_unbroken_sound(run: Run, size: int) -> None:
    wave = tone(440, 16_000, 0.5, 1)[:, 0]

    async def main() -> None:
        feed = Feed(16_000, buffer=1)
        reader = feed.open("audio", "PCMU")
        for at in range(0, len(wave), size):
            await feed.write(wave[at : at + size])
        feed.close()
        out = heard(await read(reader, 100), "PCMU")[:, 0].astype(np.float64)
        assert len(out) in {4000, 4160}
        out = out[160:3680]
        # A gap or a click would leave something beside the tone.
        spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out)))) ** 2
        at_tone = round(440 * len(out) / 8000)
        assert spectrum[at_tone - 4 : at_tone + 5].sum() / spectrum.sum() > 0.999

    run(main)


def test_an_empty_feed_gives_silence(run: Run) -> None:
    async def main() -> None:
        for codec in CODECS["audio"]:
            reader = Feed().open("audio", codec)
            units = [reader.read() for _ in range(20)]
            assert all(unit is not None for unit in units)
            assert np.abs(heard([unit for unit in units if unit], codec)).max() <= 8
            assert not reader.ended

    run(main)


def test_less_than_a_frame_waits_for_the_rest_and_not_for_ever(run: Run) -> None:
    async def main() -> None:
        feed = Feed(8_000)
        reader = feed.open("audio", "PCMU")
        await feed.write(tone(440, 8_000, 0.01, 1))
        assert len(await read(reader, 1)) == 1, "silence goes out meanwhile"
        await feed.write(tone(440, 8_000, 0.02, 1))
        loud = [np.abs(heard([unit], "PCMU")).max() > 5000 for unit in await read(reader, 9)]
        assert loud.count(True) == 2, "a whole frame, and after a while what was left"
        assert loud[0]

    run(main)


@pytest.mark.parametrize("sound", [b"", np.zeros(0, np.int16), av.AudioFrame(), bytes(320)])
def test_a_loop_of_writes_that_need_no_room_gives_way(run: Run, sound: Any) -> None:
    async def main() -> None:
        feed = Feed(8_000)

        async def write() -> None:
            for _ in range(1000):
                await feed.write(sound)
                feed.clear()

        writing = asyncio.ensure_future(write())
        await asyncio.sleep(0)
        assert not writing.done()
        await writing

    run(main)


def test_who_writes_too_much_waits(run: Run) -> None:
    async def main() -> None:
        feed = Feed(8_000, buffer=0.1)
        await feed.write(tone(440, 8_000, 0.1, 1))
        writing = asyncio.ensure_future(feed.write(tone(440, 8_000, 1, 1)))
        await asyncio.sleep(0)
        assert not writing.done()
        reader = feed.open("audio", "PCMU")
        units = []
        while not writing.done():
            assert feed._held <= 0.1 + 0.1 + 1e-6, "one piece more at most"
            units += await read(reader, 1)
        feed.close()
        units += await read(reader, 100)
        loud = [np.abs(heard([unit], "PCMU")).max() > 5000 for unit in units]
        assert loud.count(True) == 55
        first = loud.index(True)
        assert all(loud[first : first + 55]), "no silence between"

    run(main)


@pytest.mark.parametrize("waits", [True, False])
def test_clearing_tells_what_went_out_and_drops_the_rest(run: Run, waits: bool) -> None:
    async def main() -> None:
        feed = Feed(8_000, buffer=1 if not waits else 0.1)
        reader = feed.open("audio", "PCMU")
        writing = asyncio.ensure_future(feed.write(tone(440, 8_000, 1, 1)))
        sound = await read(reader, 10)
        gone = [unit for unit in sound if np.abs(heard([unit], "PCMU")).max() > 5000]
        assert feed.clear() == 20 * len(gone)
        assert gone
        while waits and not writing.done():
            await read(reader, 1)
        await writing
        feed.clear()
        rest = await read(reader, 5)
        assert all(np.abs(heard([unit], "PCMU")).max() <= 8 for unit in rest)
        assert feed.clear() == 0

    run(main)


@pytest.mark.parametrize("is_ready", [True, False], ids=["encoded", "being encoded"])
def test_the_frame_ahead_of_what_was_sent_is_dropped_too(run: Run, is_ready: bool) -> None:
    async def main() -> None:
        feed = Feed(8_000, buffer=1)
        reader = feed.open("audio", "PCMU")
        await feed.write(tone(440, 8_000, 1, 1))
        assert len(await read(reader, 3)) == 3
        assert reader._is_encoding
        if is_ready:
            while reader._is_encoding:  # noqa: ASYNC110 -- a thread does it
                await asyncio.sleep(0)
            assert reader._ready is not None
        feed.clear()
        silence = await read(reader, 2)
        assert np.abs(heard(silence, "PCMU")).max() <= 8
        assert feed.clear() == 0

    run(main)


@pytest.mark.parametrize("milliseconds", [5, 20, 25, 50])
def test_what_a_frame_was_filled_up_with_does_not_count_as_sent(
    run: Run, milliseconds: int
) -> None:
    async def main() -> None:
        feed = Feed(8_000)
        reader = feed.open("audio", "PCMU")
        await feed.write(tone(440, 8_000, milliseconds / 1000, 1))
        feed.close()
        while await read(reader, 1):
            pass
        assert reader.ended
        assert feed.clear() == milliseconds

    run(main)


def test_a_feed_ends_when_all_is_sent(run: Run) -> None:
    async def main() -> None:
        feed = Feed(8_000)
        reader = feed.open("audio", "PCMU")
        feed.close()
        assert reader.read() is None
        assert reader.ended
        with pytest.raises(SourceError, match="closed"):
            await feed.write(b"\0\0")

    run(main)


def test_who_writes_is_told_that_nobody_plays(run: Run) -> None:
    async def main() -> None:
        feed = Feed(8_000, buffer=0.1)
        reader = feed.open("audio", "opus")
        writing = asyncio.ensure_future(feed.write(tone(440, 8_000, 5, 1)))
        await read(reader, 2)
        reader.close()
        with pytest.raises(SourceError, match="not played any more"):
            await writing
        with pytest.raises(SourceError, match="make another Feed"):
            feed.open("audio", "opus")

    run(main)


WRONG: list[tuple[dict[str, Any], Any, type[Exception]]] = [
    ({"rate": 7_999}, None, ValueError),
    ({"rate": 16_000.0}, None, TypeError),
    ({"rate": True}, None, TypeError),
    ({"channels": 3}, None, ValueError),
    ({"channels": "2"}, None, TypeError),
    ({"buffer": 0}, None, ValueError),
    ({"buffer": "1s"}, None, TypeError),
    ({}, b"\0", ValueError),
    ({"channels": 2}, b"\0\0", ValueError),
    ({}, "sound", TypeError),
    ({}, [0, 1], TypeError),
    ({}, np.zeros(160), TypeError),
    ({}, np.zeros((160, 2), np.int16), ValueError),
    ({"channels": 2}, np.zeros((2, 160), np.int16), ValueError),
    ({"channels": 2}, np.zeros(161, np.int16), ValueError),
    ({}, np.int16(3), TypeError),
]


@pytest.mark.parametrize(("options", "sound", "error"), WRONG)
def test_what_is_wrong_is_said_where_it_is_given(
    run: Run, options: dict[str, Any], sound: Any, error: type[Exception]
) -> None:
    async def main() -> None:
        with pytest.raises(error):
            await Feed(**options).write(sound)

    run(main)


def test_a_call_hears_a_feed_on_one_timeline(run: Run) -> None:
    async def main() -> None:
        feed = Feed(16_000)
        async with call(audio=Silence(), back_audio=Silence()) as (leg, peer):
            playback = leg.pc.media.play("audio", feed)
            await peer.received("audio", 5)
            await feed.write(tone(700, 16_000, 0.3, 1))
            feed.close()
            await playback.ended()
            assert playback.failure is None
            frames = await peer.received("audio", 25)
            everything = peer.seen("audio")
            steps = {b.timestamp - a.timestamp for a, b in pairwise(everything)}
            assert steps == {960}, "no gap and no leap"
            wave, rate = samples(everything)
            loud = np.flatnonzero(np.abs(wave) > 3000)
            part = wave[loud[0] : loud[-1]]
            assert len(part) / rate == pytest.approx(0.3, abs=0.05)
            spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
            assert np.argmax(spectrum) * rate / len(part) == pytest.approx(700, abs=5)
            assert frames

    run(main)


def test_what_is_written_while_muted_is_gone(run: Run) -> None:
    async def main() -> None:
        feed = Feed(8_000, buffer=0.1)
        async with call(audio=feed, back_audio=Silence()) as (leg, peer):
            await peer.received("audio", 1)
            leg.pc.media.mute("audio", True)
            await feed.write(tone(440, 8_000, 0.5, 1))
            assert feed._held < 0.2
            await peer.received("audio", 25)
            leg.pc.media.mute("audio", False)
            await peer.received("audio", 10)
            wave, _ = samples(peer.seen("audio"))
            assert np.abs(wave).max() < 100

    run(main)
