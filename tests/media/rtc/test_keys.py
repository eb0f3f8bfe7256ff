"""Keys pressed in real calls: agreed on, sent in the sound's place, heard, recorded as silence."""

import asyncio
import re
import time
from pathlib import Path

import numpy as np
import pytest
from callboard.media import (
    ClockPattern,
    Connected,
    DigitBegan,
    DigitEnded,
    Direction,
    Echo,
    KeyPress,
    MediaClosedError,
    ReceivePath,
    Recording,
    Tone,
    Writer,
)
from callboard.media.rtc.rtp import digit_reader, key_presses
from callboard.media.rtc.rtp.telephone_event import LONGEST
from callboard.tests.conftest import Run
from callboard.tests.media.calls import samples
from callboard.tests.media.legs import Leg, call, connect
from callboard.tests.media.lossy import call_over, road

EVENTS = re.compile(r"a=rtpmap:(\d+) telephone-event/(\d+)\r\n")


def heard(leg: Leg) -> str:
    """The keys that a leg has heard the peer press and let go."""
    events = [each for each in leg.events if isinstance(each, DigitBegan | DigitEnded)]
    for began, ended in zip(events[::2], events[1::2], strict=False):
        assert isinstance(began, DigitBegan)
        assert isinstance(ended, DigitEnded)
        assert began.digit == ended.digit
    return "".join(each.digit for each in events if isinstance(each, DigitEnded))


async def press(leg: Leg, digits: str, seconds: float | None = 0.1) -> None:
    """Press keys to their end."""
    presses = leg.pc.media.press(digits, seconds)
    assert all(await asyncio.gather(*(each.sent for each in presses)))


def without_events(sdp: str) -> str:
    """What a client says that knows no keys."""
    for number, _ in EVENTS.findall(sdp):
        sdp = re.sub(rf"(m=audio [^\r]*) {number}\b", r"\1", sdp)
    return EVENTS.sub("", sdp)


def test_both_clock_rates_are_offered_and_answered(run: Run) -> None:
    async def main() -> None:
        a, b = Leg(), Leg()
        offer = await a.pc.offer(audio=Tone(440), video=None)
        assert EVENTS.findall(offer) == [("110", "48000"), ("126", "8000")]
        [line] = re.findall(r"m=audio .*", offer)
        assert line.split()[3:] == ["96", "0", "8", "110", "126"]
        changed = offer.replace("126", "101")
        answer = await b.pc.answer(changed, audio=Tone(440), video=None)
        assert EVENTS.findall(answer) == [("110", "48000"), ("101", "8000")]
        bare, c = without_events(offer), Leg()
        assert not EVENTS.findall(await c.pc.answer(bare, audio=Tone(440), video=None))
        for leg in (a, b, c):
            await leg.pc.close()

    run(main)


@pytest.mark.parametrize("path", [ReceivePath.PACKETS, ReceivePath.NONE])
@pytest.mark.parametrize("codec", ["opus", "PCMU"])
def test_keys_are_heard(run: Run, path: ReceivePath, codec: str) -> None:
    def only(sdp: str) -> str:
        if codec != "opus":
            sdp = re.sub(r"(m=audio \d+ \S+) 96 0 8", r"\1 0", sdp)
        return sdp if codec == "opus" else re.sub(r"a=rtpmap:(96|8) .*\r\n", "", sdp)

    async def main() -> None:
        a, b = Leg(path), Leg(path)
        offer = only(await a.pc.offer(audio=Tone(440), video=None))
        await a.pc.accept(await b.pc.answer(offer, audio=Tone(440), video=None))
        await a.event(Connected)
        await press(a, "19*#")
        await press(b, "abcd,0", 0.04)
        await b.until(lambda: heard(b) == "19*#")
        await a.until(lambda: heard(a) == "ABCD0")
        assert a.statistics("audio").lost == b.statistics("audio").lost == 0
        for leg in (a, b):
            assert leg.statistics("audio").codec == codec
            assert all(frame.codec == codec for _, frame in leg.frames)
            await leg.pc.close()

    run(main)


@pytest.mark.parametrize("longest", [LONGEST, 700])
def test_a_peer_with_another_clock_gets_its_own(
    run: Run, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    """Opus and telephone-event/8000: some clients of real life know only these two."""
    for module in (digit_reader, key_presses):
        monkeypatch.setattr(module, "LONGEST", longest)  # or several segments take half a minute

    async def main() -> None:
        a, b = Leg(), Leg()
        offer = (await a.pc.offer(audio=Tone(440), video=None)).replace(" 110 126", " 126")
        offer = offer.replace("a=rtpmap:110 telephone-event/48000\r\n", "")
        await a.pc.accept(await b.pc.answer(offer, audio=Tone(440), video=None))
        await a.event(Connected)
        await press(b, "5", 0.2)
        ended = await a.event(DigitEnded)
        assert ended.digit == "5"
        assert ended.seconds == pytest.approx(0.2)
        await a.pc.close()
        await b.pc.close()

    run(main)


def test_each_side_is_sent_the_numbers_that_it_named(run: Run) -> None:
    def other(sdp: str) -> str:
        return sdp.replace(" 110", " 101").replace(":110 ", ":101 ")

    async def main() -> None:
        a, b = Leg(), Leg()
        await connect(a, b, audio=Tone(440), video=None, back_audio=Tone(440), change=other)
        await a.event(Connected)
        assert a.pc.media.by_kind["audio"].telephone_event == (101, 48000)
        await press(b, "7")  # as our offer named it
        await a.until(lambda: heard(a) == "7")
        await a.pc.close()
        await b.pc.close()

    run(main)


def test_a_peer_that_knows_no_keys_is_sent_none(run: Run) -> None:
    async def main() -> None:
        a, b = Leg(), Leg()
        await connect(
            a, b, audio=Tone(440), video=None, back_audio=Tone(440), change=without_events
        )
        await a.event(Connected)
        with pytest.raises(ValueError, match="takes no keys"):
            a.pc.media.press("1", 0.1)
        assert await a.received("audio", 5)
        assert await b.received("audio", 5)
        await a.pc.close()
        with pytest.raises(MediaClosedError):
            a.pc.media.press("1", 0.1)
        await b.pc.close()

    run(main)


def test_keys_go_on_after_the_call_has_changed(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(440), back_audio=Tone(440)) as (a, b):
            more = await b.pc.offer_more(video=ClockPattern())
            assert EVENTS.findall(more) == [("110", "48000"), ("126", "8000")]
            await b.pc.accept(await a.pc.answer(more, audio=None, video=None))
            await press(a, "1")
            await press(b, "2")
            await b.until(lambda: heard(b) == "1")
            await a.until(lambda: heard(a) == "2")

    run(main)


def test_a_fifth_of_the_packets_is_lost(run: Run) -> None:
    digits = "0123456789*#ABCD5544"

    async def main() -> None:
        async with (
            road() as link,
            call_over(link, audio=Tone(440), back_audio=Tone(440)) as (a, b),
        ):
            await b.counted("audio", 10)
            link.lost, link.late = 0.2, 0.1
            await press(a, digits)
            await b.until(lambda: len(heard(b)) == len(digits))
            await b.counted("audio", b.statistics("audio").received + 25)
            assert heard(b) == digits
            assert b.statistics("audio").lost > 20

    run(main)


def test_a_key_with_a_loss_before_it_is_heard_though_nothing_follows(run: Run) -> None:
    async def main() -> None:
        async with (
            road() as link,
            call_over(link, audio=Tone(440), back_audio=Tone(440)) as (a, b),
        ):
            await b.counted("audio", 10)
            link.drop = lambda data: data[1] == 0x80 | 110  # a press's first packet, by its marker
            [one] = a.pc.media.press("6", 0.04)
            one.sent.add_done_callback(lambda _: a.pc.media.pause("audio", True))
            await b.until(lambda: heard(b) == "6")
            assert (await b.event(DigitEnded)).seconds == pytest.approx(0.04)

    run(main)


def test_an_echo_says_nothing_of_keys(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(440), back_audio=Echo()) as (a, b):
            await a.received("audio", 5)
            await press(a, "123")
            await b.until(lambda: heard(b) == "123")
            await a.received("audio", 10)
            sent = {frame.data for frame in a.seen("audio", Direction.SENT)}
            assert {frame.data for frame in a.seen("audio")} <= sent
            assert heard(a) == ""

    run(main)


@pytest.mark.parametrize("wav", [False, True])
def test_a_recording_is_silent_while_a_key_is_pressed(run: Run, tmp_path: Path, wav: bool) -> None:
    async def main() -> None:
        with Writer() as writer:
            async with call(audio=Tone(440), back_audio=Tone(1000)) as (a, b):
                recording = Recording(
                    writer.place(tmp_path, "keys"),
                    video=False,
                    format="wav" if wav else "auto",
                    writer=writer,
                )
                b.pc.media.add_sink(recording.write)
                await b.received("audio", 40)
                await press(a, "5", 0.5)
                await b.received("audio", 40)
                finished = await recording.close()
        assert finished is not None
        ours, theirs = samples(finished.path)
        for wave, longest in ((ours, 0.1), (theirs, 0.6)):
            steps = wave[: len(wave) // 960 * 960].reshape(-1, 960)
            loud = np.abs(steps).max(axis=1) > 0.01
            first, last = np.flatnonzero(loud)[[0, -1]]
            silent = int((~loud[first:last]).sum()) * 0.02
            assert silent < 0.1 if longest < 0.5 else 0.4 < silent < 0.7

    run(main)


def test_a_muted_leg_presses_and_a_paused_one_waits(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(440), back_audio=Tone(440)) as (a, b):
            a.pc.media.mute("audio", True)
            await press(a, "1")
            await b.until(lambda: heard(b) == "1")
            a.pc.media.pause("audio", True)
            [waiting] = a.pc.media.press("2", 0.1)
            await a.received("audio", 25)
            assert not waiting.sent.done()
            a.pc.media.pause("audio", False)
            assert await waiting.sent
            await b.until(lambda: heard(b) == "12")

    run(main)


def test_another_part_hears_and_passes_on_a_key_as_long_as_it_is_held(run: Run) -> None:
    """What a bridge does: it hears of the key, presses it on its other leg, and lets it go."""

    async def main() -> None:
        async with call(audio=Tone(440), back_audio=Tone(440)) as (a, b):
            held: list[KeyPress] = []

            def pass_on(event: DigitBegan | DigitEnded) -> None:
                if isinstance(event, DigitBegan):
                    held.extend(b.pc.media.press(event.digit, None))
                else:
                    held[-1].release()

            b.pc.media.digit_listeners.append(pass_on)
            await press(a, "8", 0.4)
            ended = await a.event(DigitEnded)
            assert ended.digit == "8"
            assert 0.3 < ended.seconds < 0.8
            assert await held[0].sent

    run(main)


def test_a_key_that_is_held_while_the_loop_is_held_up_goes_on(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digit_reader, "QUIET", 0.08)

    async def main() -> None:
        async with call(audio=Tone(440), back_audio=Tone(440)) as (a, b):
            [held] = a.pc.media.press("7", None)
            await b.event(DigitBegan)
            for _ in range(5):
                time.sleep(0.12)  # noqa: ASYNC251 - what is staged here
                await a.received("audio", 3)
            assert heard(b) == ""
            held.release()
            assert (await b.event(DigitEnded)).digit == "7"

    run(main)


def test_a_call_that_ends_lets_go_who_waits(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(440), back_audio=Tone(440)) as (a, _):
            presses = a.pc.media.press("123456", 5.0)
        assert [press.sent.result() for press in presses] == [False] * 6

    run(main)
