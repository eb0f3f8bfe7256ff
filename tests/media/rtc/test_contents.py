"""Calls whose contents go separate ways: unbundled ones, and those of which one is refused."""

import re
from collections.abc import Callable
from xml.etree.ElementTree import Element

import pytest
from callboard.jingle import Accepted, Initiated, Role
from callboard.media import ClockPattern, Connected, Direction, MediaFailed, Tone, read_clock
from callboard.tests.conftest import Run
from callboard.tests.media.legs import Leg, pictures, pitch
from callboard.tests.media.parties import Party, jingle_call

CANDIDATE = "{urn:xmpp:jingle:transports:ice-udp:1}candidate"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_each_content_has_its_own_transport_without_a_bundle(run: Run, loop: str) -> None:
    """As Dino calls and is called: no group, ICE and DTLS for each content."""

    async def main() -> None:
        async with jingle_call(
            bundled=False, video=ClockPattern(), back_video=ClockPattern(fps=10)
        ) as (a, b):
            for party, frequency in ((a, 1000), (b, 440)):
                heard = await party.leg.received("audio", 50)
                await party.leg.received("video", 5)
                assert abs(pitch(heard) - frequency) < 5
                seen = pictures(party.leg.seen("video"))
                assert None not in [read_clock(picture) for picture in seen]
                transports = {
                    each.receiver.transport for each in party.leg.pc._pc.getTransceivers()
                }
                assert len(transports) == 2
                assert [type(each) for each in party.leg.events].count(Connected) == 1

    run(main, loop=loop)  # type: ignore[arg-type]


def test_unbundled_candidates_trickle_to_their_own_content(run: Run) -> None:
    async def main() -> None:
        a, b = Party(Role.INITIATOR), Party(Role.RESPONDER)
        offer = await a.leg.pc.offer(audio=Tone(440), video=ClockPattern())
        initiate = a.session.initiate(offer)
        for group in initiate.findall("{urn:xmpp:jingle:apps:grouping:0}group"):
            initiate.remove(group)
        for transport in initiate.iter("{urn:xmpp:jingle:transports:ice-udp:1}transport"):
            for candidate in transport.findall(CANDIDATE):
                transport.remove(candidate)
        [initiated] = b.session.receive(initiate)
        assert isinstance(initiated, Initiated)
        answer = await b.leg.pc.answer(initiated.offer, audio=Tone(), video=None)
        assert len(set(re.findall(r" 127\.0\.0\.1 (\d+) typ host", answer))) == 2
        [accepted] = a.session.receive(b.session.accept(answer))
        assert isinstance(accepted, Accepted)
        await a.leg.pc.accept(accepted.answer)
        lines: dict[str, list[str]] = {}
        for section in re.split(r"(?=m=)", offer)[1:]:
            mid = re.findall(r"a=mid:(\S+)", section)[0]
            lines[mid] = re.findall(r"a=(candidate:[^\r]*)", section)
        for mid, candidates in lines.items():
            for line in candidates:
                await b.leg.pc.add_candidate(mid, line)
        await a.leg.event(Connected)
        await b.leg.event(Connected)
        await b.leg.received("audio", 3)
        await b.leg.received("video", 3)
        await a.leg.pc.close()
        await b.leg.pc.close()

    run(main)


def test_a_handshake_that_hangs_without_a_bundle_is_called_one(run: Run) -> None:
    """The second content's ICE only begins when the first one's handshake is done."""

    async def main() -> None:
        a, b = Leg(ice_deadline=1.5), Leg()
        offer = await a.pc.offer(audio=Tone(), video=ClockPattern())
        bare = re.sub(r"a=group:BUNDLE [^\r]*\r\n", "", offer)
        answer = await b.pc.answer(bare, audio=Tone(), video=None)
        for transceiver in b.pc._pc.getTransceivers():
            transceiver.receiver.transport._set_role("server")
        answer = re.sub(r"a=group:BUNDLE [^\r]*\r\n", "", answer)
        await a.pc.accept(answer.replace("a=setup:passive", "a=setup:active"))
        assert (await a.event(MediaFailed)).reason == "failed-transport"
        await a.pc.close()
        await b.pc.close()

    run(main)


def unknown_codec(kind: str) -> Callable[[Element], None]:
    """Let an offer have nothing that we know for one content."""

    def change(initiate: Element) -> None:
        for description in initiate.iter("{urn:xmpp:jingle:apps:rtp:1}description"):
            if description.get("media") == kind:
                for payload in description.iter("{urn:xmpp:jingle:apps:rtp:1}payload-type"):
                    payload.set("name", "AV1" if kind == "video" else "L16")
                    payload.set("id", str(100 + int(payload.get("id", "0")) % 20))

    return change


@pytest.mark.parametrize("bundled", [True, False])
@pytest.mark.parametrize("refused", ["audio", "video"])
def test_a_content_without_common_codec_is_left_out_of_the_accept(
    run: Run, refused: str, bundled: bool
) -> None:
    kept = "video" if refused == "audio" else "audio"

    async def main() -> None:
        a, b = Party(Role.INITIATOR), Party(Role.RESPONDER)
        initiate = a.session.initiate(await a.leg.pc.offer(audio=Tone(440), video=ClockPattern()))
        unknown_codec(refused)(initiate)
        if not bundled:
            for group in initiate.findall("{urn:xmpp:jingle:apps:grouping:0}group"):
                initiate.remove(group)
        [initiated] = b.session.receive(initiate)
        assert isinstance(initiated, Initiated)
        answer = await b.leg.pc.answer(initiated.offer, audio=Tone(), video=ClockPattern())
        assert re.findall(r"m=(\w+) (\d+)", answer)[0 if refused == "audio" else 1][1] == "0"
        accept = b.session.accept(answer)
        assert [each[0].get("media") for each in accept if each.tag.endswith("}content")] == [kept]
        [accepted] = a.session.receive(accept)
        assert isinstance(accepted, Accepted)
        assert re.findall(r"m=(\w+) 0 ", accepted.answer) == [refused]
        await a.leg.pc.accept(accepted.answer)
        await a.leg.event(Connected)
        await b.leg.event(Connected)
        await b.leg.received("audio" if kept == "audio" else "video", 5)
        await a.leg.received("audio" if kept == "audio" else "video", 5)
        for leg in (a.leg, b.leg):
            assert [each.kind for each in leg.pc.media.statistics()] == [kept]
            assert not [f for _, f in leg.frames if f.kind == refused and _ is Direction.RECEIVED]
        # What was refused may be offered again, with a codec that both know.
        if kept == "audio":
            more = await b.leg.pc.offer_more(video=ClockPattern())
            [added] = a.session.receive(b.session.add_contents(more))
            answer = await a.leg.pc.answer(added.offer, audio=None, video=ClockPattern())  # type: ignore[union-attr]
            [accepted] = b.session.receive(a.session.accept_contents(answer))
            await b.leg.pc.accept(accepted.answer)  # type: ignore[union-attr]
            await a.leg.received("video", 3)
            await b.leg.received("video", 3)
        await a.leg.pc.close()
        await b.leg.pc.close()

    run(main)
