"""Kinds that are added to a running call and taken out of it again, while the rest goes on."""

import re

import pytest
from callboard.jingle import (
    ContentAccepted,
    ContentAdded,
    ContentModified,
    ContentRejected,
    Reason,
)
from callboard.jingle.model.role import Senders
from callboard.media import (
    ClockPattern,
    Connected,
    DescriptionError,
    Direction,
    Network,
    NetworkError,
    Tone,
    read_clock,
)
from callboard.media.rtc import _aiortc
from callboard.media.rtc._aiortc import report_way
from callboard.media.rtc.rtp.reports import Reports
from callboard.tests.conftest import Run
from callboard.tests.harness.ports import free_ports
from callboard.tests.media.legs import Leg, call, pictures, pitch
from callboard.tests.media.parties import add_video, check_unbroken, jingle_call


@pytest.mark.parametrize("bundled", [True, False])
@pytest.mark.parametrize("by_initiator", [True, False])
def test_video_is_added_by_either_side(run: Run, by_initiator: bool, bundled: bool) -> None:
    async def main() -> None:
        async with jingle_call(bundled=bundled) as parties:
            a, b = parties if by_initiator else reversed(parties)
            await b.leg.received("audio", 10)
            await add_video(a, b, ClockPattern(fps=10))
            seen = await b.leg.received("video", 15)
            assert None not in [read_clock(picture) for picture in pictures(seen)]
            await a.leg.received("video", 5)
            for each in (a, b):
                await each.leg.received("audio", 5)
                check_unbroken(each.leg)
                assert [s.kind for s in each.leg.pc.media.statistics()] == ["audio", "video"]
                assert [type(event) for event in each.leg.events].count(Connected) == 1

    run(main)


def test_the_answerers_numbers_go_on_when_it_offers(run: Run) -> None:
    """The peer's payload types stay, and new ones do not clash with them (RFC 8843 §10.1)."""

    def renumber(sdp: str) -> str:
        # Opus gets the number that we would give to video, the MID extension another id.
        sdp = re.sub(r"(m=audio \d+ UDP/TLS/RTP/SAVPF) 96", r"\1 97", sdp)
        sdp = sdp.replace("a=rtpmap:96 ", "a=rtpmap:97 ")
        return re.sub(r"a=extmap:1 (\S+mid)", r"a=extmap:9 \1", sdp)

    async def main() -> None:
        a, b = Leg(), Leg()
        offer = renumber(await a.pc.offer(audio=Tone(440), video=None))
        await a.pc.accept(await b.pc.answer(offer, audio=Tone(1000), video=None))
        await a.received("audio", 5)
        more = await b.pc.offer_more(video=ClockPattern())
        audio, video = more[: more.index("m=video")], more[more.index("m=video") :]
        assert "a=rtpmap:97 opus" in audio
        assert "a=rtpmap:97 " not in video
        numbers = re.findall(r"a=rtpmap:(\d+) ", more)
        assert len(numbers) == len(set(numbers))
        assert set(re.findall(r"a=extmap:(\d+) \S+mid", more)) == {"9"}
        await b.pc.accept(await a.pc.answer(more, audio=None, video=ClockPattern()))
        assert await a.received("video", 5)
        assert await b.received("video", 5)
        assert abs(pitch(await b.received("audio", 50)) - 440) < 5
        await a.pc.close()
        await b.pc.close()

    run(main)


def test_the_handshakes_roles_stay(run: Run) -> None:
    """Jingle says a content's setup once: what it says later of old ones is a guess."""

    async def main() -> None:
        async with jingle_call() as (a, b):
            await add_video(b, a, ClockPattern())
            await a.leg.pc.withdraw(["video"])
            await b.leg.pc.withdraw(["video"])
            await add_video(a, b, ClockPattern())
            roles = [
                leg.pc._pc.getTransceivers()[0].receiver.transport._role for leg in (a.leg, b.leg)
            ]
            assert roles == ["server", "client"]

    run(main)


def test_a_refused_addition_is_taken_back_and_may_be_tried_again(run: Run) -> None:
    async def main() -> None:
        async with jingle_call() as (a, b):
            offer = await a.leg.pc.offer_more(video=ClockPattern())
            [added] = b.session.receive(a.session.add_contents(offer))
            assert isinstance(added, ContentAdded)
            reject = b.session.reject_contents(added.contents, Reason.DECLINE)
            [rejected] = a.session.receive(reject)
            assert isinstance(rejected, ContentRejected)
            await a.leg.pc.withdraw(["video"])
            with pytest.raises(ValueError, match="sends no video"):
                a.leg.pc.media.play("video", ClockPattern())
            assert [s.kind for s in a.leg.pc.media.statistics()] == ["audio"]
            # The other side may add it now, and the one that was refused too.
            await add_video(b, a, None)
            await a.leg.received("video", 5)
            await a.leg.received("audio", 5)
            await b.leg.received("audio", 5)
            check_unbroken(a.leg)
            check_unbroken(b.leg)

    run(main)


@pytest.mark.parametrize("bundled", [True, False])
def test_video_goes_and_comes_again(run: Run, bundled: bool) -> None:
    async def main() -> None:
        async with jingle_call(bundled=bundled) as (a, b):
            await add_video(a, b, ClockPattern())
            await b.leg.received("video", 5)
            name = a.session.content_of("video")
            assert name is not None
            b.session.receive(a.session.remove_contents([name], Reason.SUCCESS))
            await a.leg.pc.withdraw(["video"])
            await b.leg.pc.withdraw(["video"])
            before = b.leg.statistics("video").received
            frames = len(b.leg.seen("video"))
            await b.leg.received("audio", 10)
            assert len(b.leg.seen("video")) == frames
            await add_video(a, b, ClockPattern())
            seen = await b.leg.received("video", 5)
            await a.leg.received("video", 5)
            assert None not in [read_clock(picture) for picture in pictures(seen)]
            assert b.leg.statistics("video").received > before  # counted on, not anew
            check_unbroken(a.leg)
            check_unbroken(b.leg)
            for leg in (a.leg, b.leg):
                assert told(leg) == [each.reports for each in leg.pc.media.by_kind.values()]

    run(main)


def told(leg: Leg) -> list[Reports]:
    """Give all that are told of reports which come in: what has gone is none of them."""
    transports = _aiortc.dtls_transports(leg.pc._pc)
    return [each for one in transports for each in report_way.received_reports(one).all.values()]


def test_both_add_video_at_once(run: Run) -> None:
    async def main() -> None:
        async with jingle_call() as (a, b):
            mine = await a.leg.pc.offer_more(video=ClockPattern())
            await b.leg.pc.offer_more(video=ClockPattern())
            # The initiator's stands (XEP-0166 §7.2.16); the responder takes its own back.
            [added] = b.session.receive(a.session.add_contents(mine))
            assert isinstance(added, ContentAdded)
            answer = await b.leg.pc.answer(added.offer, audio=None, video=ClockPattern(fps=10))
            [accepted] = a.session.receive(b.session.accept_contents(answer))
            assert isinstance(accepted, ContentAccepted)
            await a.leg.pc.accept(accepted.answer)
            await a.leg.received("video", 5)
            await b.leg.received("video", 5)
            check_unbroken(a.leg)

    run(main)


def test_the_peer_stops_sending_and_sends_again(run: Run) -> None:
    async def main() -> None:
        async with jingle_call() as (a, b):
            await add_video(a, b, ClockPattern())
            await a.leg.received("video", 3)
            name = a.session.content_of("video")
            assert name is not None
            for sends in (False, True):
                [modified] = b.session.receive(a.session.modify_content(name, sends=sends))
                assert isinstance(modified, ContentModified)
                answer = await b.leg.pc.answer(modified.description, audio=None, video=None)
                direction = re.findall(r"a=(sendrecv|sendonly|recvonly|inactive)", answer)[1]
                assert direction == ("sendrecv" if sends else "sendonly")
                a.leg.pc.media.pause("video", not sends)
                await a.leg.received("video", 3)
            await b.leg.received("video", 3)
            check_unbroken(b.leg)

    run(main)


def test_a_peer_that_answered_without_its_video_sends_it_later(run: Run) -> None:
    async def main() -> None:
        async with jingle_call() as (a, b):
            [added] = b.session.receive(
                a.session.add_contents(await a.leg.pc.offer_more(video=ClockPattern()))
            )
            assert isinstance(added, ContentAdded)
            answer = await b.leg.pc.answer(added.offer, audio=None, video=None)
            [accepted] = a.session.receive(b.session.accept_contents(answer))
            assert isinstance(accepted, ContentAccepted)
            await a.leg.pc.accept(accepted.answer)
            await b.leg.received("video", 3)
            name = b.session.content_of("video")
            assert name is not None
            [modified] = a.session.receive(b.session.modify_content(name, sends=True))
            assert isinstance(modified, ContentModified)
            assert modified.senders is Senders.BOTH
            await a.leg.pc.answer(modified.description, audio=None, video=None)
            offer = b.session.remote_description
            assert offer is not None
            await b.leg.pc.answer(offer, audio=None, video=ClockPattern())
            await a.leg.received("video", 3)
            check_unbroken(a.leg)

    run(main)


def test_without_a_free_port_nothing_is_added_and_nothing_lost(run: Run) -> None:
    async def main() -> None:
        narrow = Network(("127.0.0.1",), ports=free_ports(2))
        async with call(network=narrow, audio=Tone(440), back_audio=Tone(1000)) as (a, b):
            for _ in range(2):
                with pytest.raises(NetworkError, match="are taken"):
                    await a.pc.offer_more(video=ClockPattern())
            assert a.pc._pc.signalingState == "stable"
            await b.received("audio", 5)
            check_unbroken(b)

    run(main)


def test_wrong_wishes_are_named(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            with pytest.raises(ValueError, match="Nothing to add"):
                await a.pc.offer_more()
            with pytest.raises(ValueError, match="There is audio"):
                await a.pc.offer_more(audio=Tone())
            await a.pc.offer_more(video=ClockPattern())
            await a.pc.withdraw(["audio", "video"])
            await b.pc.withdraw(["video"])
            with pytest.raises(DescriptionError):
                await b.pc.answer("v=0\r\nm=video", audio=None, video=None)
            await b.until(lambda: len(b.seen("audio", Direction.SENT)) > 5)

    run(main)
