"""An answer that is known before it is made is the one that is made, and of no other offer."""

import asyncio
import re
from collections.abc import Callable

import pytest
from callboard.media import (
    ClockPattern,
    Connected,
    IceChecking,
    IceConnected,
    MediaError,
    Silence,
    Source,
    SourceError,
    Tone,
)
from callboard.media.rtc.known_answers import KnownAnswers, is_same, question
from callboard.media.rtc.session_description import SessionDescription
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg
from callboard.tests.media.rtc.test_get_ready import sockets

Change = Callable[[str], str]


def swapped(pattern: str, by: str) -> Change:
    """Give a change of an offer, which must change it."""

    def change(offer: str) -> str:
        changed = re.sub(pattern, by, offer)
        assert changed != offer
        return changed

    return change


OWN = {
    "address": swapped(r"(?m)^(a=candidate:.*) 127\.0\.0\.1 \d+ ", r"\1 127.0.0.1 9 "),
    "candidates": swapped(r"a=candidate:.*\r\n", ""),
    "credentials": swapped(r"(a=ice-(?:ufrag|pwd):.).", r"\1x"),
    "fingerprint": swapped(r"(a=fingerprint:sha-256 ..:)..", r"\1xx"),
    "port": swapped(r"m=audio \d+", "m=audio 12345"),
    "stream": swapped(r"a=msid:.*", "a=msid:a b"),
    "SSRC": swapped(r"a=ssrc:\d+", "a=ssrc:7"),
    "time": swapped(r"o=- \d+", "o=- 1"),
}
OTHER = {
    "bundle": swapped(r"a=group:.*\r\n", ""),
    "codec": swapped(r"PCMU", "G722"),
    "codecs": swapped(r"a=rtpmap:8 .*\r\n", ""),
    "direction": swapped("a=sendrecv", "a=sendonly"),
    "extension": swapped("a=extmap:1 ", "a=extmap:7 "),
    "lite": swapped("s=-\r\n", "s=-\r\na=ice-lite\r\n"),
    "mid": swapped(r"a=mid:0", "a=mid:sound"),
    "number": swapped(r"\b96\b", "97"),
    "order": swapped(r"96 0 8", "0 8 96"),
    "refusal": swapped(r"m=audio \d+", "m=audio 0"),
    "setup": swapped("actpass", "active"),
}


async def offered() -> str:
    caller = Leg()
    offer = await caller.pc.offer(audio=Tone(), video=None)
    await caller.pc.close()
    return offer


@pytest.mark.parametrize("change", [*OWN.values(), *OTHER.values()], ids=[*OWN, *OTHER])
def test_what_an_answer_depends_on(run: Run, change: Change) -> None:
    offer = run(offered)
    asked = question(SessionDescription(offer), "sendrecv")
    other = question(SessionDescription(change(offer)), "sendrecv")
    assert (asked == other) is (change in OWN.values())
    assert asked != question(SessionDescription(offer), "recvonly")
    assert asked != question(SessionDescription(offer), "sendrecv", "PCMA")


class Call:
    """A call whose answer may be told early."""

    def __init__(self) -> None:
        self.caller, self.leg = Leg(), Leg()
        self.told: list[str] = []
        self.answer = ""

    async def tell(self, answer: str) -> None:
        """Take an answer that is not made yet."""
        assert not self.answer
        self.told.append(answer)

    async def begin(
        self,
        *,
        sends: bool = True,
        ready: bool = True,
        waits: bool = False,
        source: Source | None = None,
        change: Change = str,
    ) -> None:
        """Let one call and the other answer."""
        offer = change(await self.caller.pc.offer(audio=Tone(), video=None))
        if ready:
            await self.leg.pc.get_ready("audio")
        audio = (source or Silence()) if sends else None
        self.answer = await self.leg.pc.answer(
            offer, audio=audio, video=None, waits=waits, foreseen=self.tell
        )

    async def end(self) -> None:
        """Close both."""
        await self.caller.pc.close()
        await self.leg.pc.close()


def test_the_second_answer_is_told_before_it_is_made_and_leads_to_a_call(run: Run) -> None:
    async def main() -> None:
        told = []
        for _ in range(3):
            call = Call()
            await call.begin(waits=True)
            told.append(len(call.told))
            assert all(is_same(one, call.answer) for one in call.told)
            await call.caller.pc.accept(call.told[0] if call.told else call.answer)
            call.leg.pc.connect()
            await call.caller.event(Connected)
            await call.leg.event(Connected)
            await call.caller.received("audio", 2)
            await call.leg.received("audio", 2)
            await call.end()
        assert told == [0, 1, 1]

    run(main)


@pytest.mark.parametrize("lite", [False, True], ids=["full", "lite"])
def test_checks_go_before_the_making_of_an_answer_that_was_told(run: Run, lite: bool) -> None:
    """They find a way before we connect; who is lite leaves it to us to lead, once we know that."""

    async def main() -> None:
        change = OTHER["lite"] if lite else str
        for told in (False, True):
            call = Call()
            await call.begin(waits=True, change=change)
            assert bool(call.told) is told
            checks = [type(one) for one in call.leg.events]
            assert checks == ([IceChecking] if told and not lite else [])
            if told and not lite:
                await call.caller.pc.accept(call.told[0])
                await call.leg.event(IceConnected)
                assert not [one for one in call.leg.events if isinstance(one, Connected)]
                call.leg.pc.connect()
                await call.leg.event(Connected)
            await call.end()

    run(main)


def test_a_call_that_ends_amid_early_checks_leaves_nothing(run: Run) -> None:
    async def main() -> None:
        for _ in range(2):
            before = sockets()
            call = Call()
            await call.begin(waits=True)
            await call.end()
            assert sockets() == before
            assert len(asyncio.all_tasks()) == 1

    run(main)


def test_what_is_wanted_otherwise_was_not_answered_before(run: Run) -> None:
    async def main() -> None:
        told = []
        for sends, ready in ((True, True), (False, True), (True, False), (False, True)):
            call = Call()
            await call.begin(sends=sends, ready=ready)
            told.append(len(call.told))
            await call.end()
        assert told == [0, 0, 0, 1]

    run(main)


def test_what_can_t_be_played_is_answered_to_nobody(run: Run) -> None:
    async def main() -> None:
        first = Call()
        await first.begin()
        await first.end()
        second = Call()
        with pytest.raises(SourceError, match="has no audio"):
            await second.begin(source=ClockPattern())
        assert not second.told
        await second.end()

    run(main)


def test_an_answer_that_is_not_the_one_that_was_told_fails_and_is_forgotten(run: Run) -> None:
    async def main() -> None:
        first = Call()
        await first.begin()
        await first.end()
        known = KnownAnswers.running()._known
        [(asked, lines)] = known.items()
        known[asked] = [line.replace("a=rtpmap:8 PCMA", "a=rtpmap:8 G722") for line in lines]
        second = Call()
        with pytest.raises(MediaError, match="not the one that was made"):
            await second.begin()
        assert second.told
        await second.end()
        assert not known

    run(main)


def test_what_is_kept_is_bounded_and_what_can_t_be_told_again_is_not_kept() -> None:
    known = KnownAnswers()
    own = ["m=audio 7 ", "c=IN IP4 127.0.0.1", "a=ice-ufrag:mine"]
    answer = "v=0\r\nm=audio 7 RTP 0\r\nc=IN IP4 127.0.0.1\r\na=ice-ufrag:mine\r\na=mid:0\r\n"
    for number in range(KnownAnswers.MOST + 1):
        known.learn(b"%d" % number, own, answer)
    assert known.find(b"0", own) is None
    assert known.find(b"1", own) == answer
    known.learn(b"new", own, answer)
    assert known.find(b"1", own) == answer  # it was needed since
    assert known.find(b"2", own) is None
    theirs = ["m=audio 9 ", "c=IN IP4 127.0.0.2", "a=ice-ufrag:theirs"]
    other = answer.replace("mine", "theirs").replace("audio 7", "audio 9")
    assert known.find(b"1", theirs) == other.replace("0.1", "0.2")
    for odd in (other, answer + "a=ice-pwd:whose\r\n", answer + "a=x\r\n" * KnownAnswers.LONGEST):
        known.learn(b"odd", own, odd)
        assert known.find(b"odd", own) is None
