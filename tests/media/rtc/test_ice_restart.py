"""ICE is restarted under running media; nothing of them is lost."""

import asyncio
import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from aiortc import RTCIceGatherer, RTCIceTransport
from aiortc.rtcdtlstransport import RTCDtlsTransport
from callboard.media import (
    ClockPattern,
    Closed,
    Connected,
    DescriptionError,
    IceChecking,
    IceConnected,
    IceRenewed,
    MediaFailed,
    Network,
    NetworkError,
    Recording,
    Tone,
    Writer,
)
from callboard.media import (
    inspect as inspect_recording,
)
from callboard.media.rtc import ice_renewal
from callboard.tests.conftest import Run
from callboard.tests.harness.loops import lateness
from callboard.tests.harness.ports import free_ports
from callboard.tests.media.calls import samples
from callboard.tests.media.legs import Leg, call
from callboard.tests.media.parties import (
    Party,
    add_video,
    check_unbroken,
    credentials,
    jingle_call,
)


def renewals(leg: Leg) -> int:
    return sum(isinstance(event, IceRenewed) for event in leg.events)


def local_ports(leg: Leg) -> set[int]:
    return {
        protocol.local_candidate.port
        for connection in leg.pc._connections.open
        for protocol in connection._protocols
    }


async def restart(browser: Party, bot: Party) -> None:
    """The one plays the browser and restarts; the other follows."""
    before = bot.leg.pc._pc.localDescription.sdp
    times = renewals(bot.leg)
    sdp = await browser.leg.pc.renew_ice()
    answers = []
    for stanza in browser.session.restart(sdp, answer=False):
        answers += await bot.hear(stanza)
    assert not credentials(sdp) & credentials(before)
    told = {answer[0][0].get("ufrag") for answer in answers if answer.findall(".//{*}candidate")}
    assert told - credentials(before)
    await browser.hear(*answers)
    await bot.leg.until(lambda: renewals(bot.leg) > times)
    await browser.leg.until(lambda: renewals(browser.leg) > times)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("by_initiator", [True, False])
def test_nothing_is_lost_and_the_recording_goes_on(
    run: Run, tmp_path: Path, by_initiator: bool, loop: str
) -> None:
    async def main() -> None:
        with Writer() as writer:
            async with jingle_call(video=ClockPattern(), back_video=ClockPattern()) as parties:
                browser, bot = parties if by_initiator else reversed(parties)
                recording = Recording(writer.place(tmp_path, "call"), video=True, writer=writer)
                bot.leg.pc.media.add_sink(recording.write)
                await bot.leg.received("audio", 30)
                sent = bot.leg.statistics("audio").sent
                ports = local_ports(bot.leg)
                for _ in range(2):
                    await restart(browser, bot)
                    await bot.leg.received("audio", 20)
                    await bot.leg.received("video", 5)
                    await browser.leg.received("video", 5)
                assert local_ports(bot.leg) - ports
                assert bot.leg.statistics("audio").sent > sent + 40
                for each in (browser, bot):
                    check_unbroken(each.leg)
                    assert each.leg.statistics("video").lost == 0
                    kinds = [type(event) for event in each.leg.events]
                    assert kinds.count(Connected) == kinds.count(IceConnected) == 1
                    assert MediaFailed not in kinds
                finished = await recording.close()
        assert finished is not None
        assert all(each.frames for each in inspect_recording(finished.path).tracks)
        for track in (0, 1):
            check_sounds(samples(finished.path, track)[0])

    run(main, loop=loop)  # type: ignore[arg-type]


def check_sounds(wave: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> None:
    """There is no silence of 0.3 s between the first sound and the last, but what was held up."""
    step = 480
    loud = np.flatnonzero(
        [np.abs(wave[at : at + step]).max() > 0.01 for at in range(0, len(wave) - step, step)]
    )
    assert np.diff(loud).max() * step / 48000 < 0.3 + lateness()


@pytest.mark.parametrize("bundled", [True, False])
def test_one_restart_for_a_bundle_and_one_for_each_transport_without(
    run: Run, bundled: bool
) -> None:
    async def main() -> None:
        async with jingle_call(
            bundled=bundled, video=ClockPattern(), back_video=ClockPattern()
        ) as (
            a,
            b,
        ):
            await b.leg.received("video", 3)
            await restart(a, b)
            await b.leg.until(lambda: renewals(b.leg) == (1 if bundled else 2))
            await b.leg.received("audio", 10)
            await b.leg.received("video", 5)
            await a.leg.received("video", 5)
            check_unbroken(a.leg)
            check_unbroken(b.leg)
            assert renewals(b.leg) == (1 if bundled else 2)

    run(main)


def test_the_old_addresses_are_given_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice_renewal, "LINGER", 0.05)

    async def main() -> None:
        async with jingle_call() as (a, b):
            [old] = b.leg.pc._connections.open
            await restart(a, b)
            await b.leg.until(lambda: old not in b.leg.pc._connections.open)
            await b.leg.received("audio", 20)
            await a.leg.received("audio", 20)
            check_unbroken(a.leg)
            check_unbroken(b.leg)
            # The peer's close is seen over the new ones.
            await a.leg.pc.close()
            assert (await b.leg.event(Closed)).by_peer

    run(main)


def test_content_is_added_after_a_restart(run: Run) -> None:
    async def main() -> None:
        async with jingle_call() as (a, b):
            await restart(a, b)
            await add_video(b, a, ClockPattern())
            await a.leg.received("video", 3)
            await b.leg.received("video", 3)
            await restart(b, a)
            await a.leg.received("video", 3)
            check_unbroken(a.leg)

    run(main)


def test_a_second_restart_overtakes_the_first(run: Run) -> None:
    async def main() -> None:
        async with jingle_call() as (a, b):
            await b.leg.received("audio", 5)
            first = await a.leg.pc.renew_ice()
            stanzas = a.session.restart(first, answer=False)
            await b.hear(*stanzas)  # the answer is lost with the network that a has just left
            await restart(a, b)
            await b.leg.received("audio", 20)
            await a.leg.received("audio", 20)
            check_unbroken(a.leg)
            check_unbroken(b.leg)

    run(main)


def checked(leg: Leg) -> asyncio.Event:
    """Set when a check of the other side's has come in at the address of a restart under way."""
    [renewal] = leg.pc._renewals._under_way.values()
    return renewal.known


def test_who_restarts_is_checked_only_when_it_knows_the_addresses(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libwebrtc keeps its old pair for ever if a check on the new one is there before them."""
    monkeypatch.setattr(ice_renewal, "PATIENCE", 1000)

    async def main() -> None:
        async with jingle_call() as (a, b):
            answer = await b.leg.pc.restart_ice(await a.leg.pc.renew_ice())
            at_a = checked(a.leg)
            for _ in range(2):
                await a.leg.received("audio", 20)
                await b.leg.received("audio", 20)
            assert not at_a.is_set()
            await a.leg.pc.restart_ice(answer)
            await a.leg.until(lambda: renewals(a.leg) == 1)
            await b.leg.until(lambda: renewals(b.leg) == 1)
            await b.leg.received("audio", 20)
            check_unbroken(a.leg)
            check_unbroken(b.leg)

    run(main)


@pytest.mark.parametrize("acknowledged", [True, False])
def test_who_restarts_is_checked_when_it_has_acknowledged_and_at_last_anyway(
    run: Run, monkeypatch: pytest.MonkeyPatch, acknowledged: bool
) -> None:
    """A NAT on our side may keep its own checks out until ours have gone through."""
    monkeypatch.setattr(ice_renewal, "PATIENCE", 1000 if acknowledged else 0.1)

    async def main() -> None:
        async with jingle_call() as (a, b):
            await b.leg.pc.restart_ice(await a.leg.pc.renew_ice())
            if acknowledged:
                b.leg.pc.restart_acknowledged()
            await checked(a.leg).wait()

    run(main)


def test_a_restart_before_ice_is_through(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ice_renewal, "PATIENCE", 1000)

    async def main() -> None:
        a, b = Leg(), Leg()
        offer = await a.pc.offer(audio=Tone(), video=None)
        bare = re.sub(r"a=(candidate:[^\r]*|end-of-candidates)\r\n", "", offer)
        answer = await b.pc.answer(bare, audio=Tone(), video=None)
        nowhere = re.sub(r"(a=candidate:\S+ 1 udp \d+ \S+) \d+", r"\1 9", answer)
        await a.pc.accept(re.sub(r"a=end-of-candidates\r\n", "", nowhere))
        await a.event(IceChecking)
        await b.event(IceChecking)
        answer = await b.pc.restart_ice(await a.pc.renew_ice())
        await checked(a).wait()  # at once: there is no old pair that works
        await a.pc.restart_ice(answer)
        await a.event(Connected)
        await b.event(Connected)
        await a.received("audio", 10)
        await b.received("audio", 10)
        await a.pc.close()
        await b.pc.close()

    run(main)


def test_new_addresses_that_lead_nowhere_meet_the_deadline(run: Run) -> None:
    async def main() -> None:
        a, b = Leg(), Leg()
        offer = await a.pc.offer(audio=Tone(), video=None)
        await a.pc.accept(await b.pc.answer(offer, audio=Tone(), video=None))
        await b.event(Connected)
        await b.received("audio", 3)
        b.pc._renewals._deadline = 0.3
        renewed = await a.pc.renew_ice()
        await b.pc.restart_ice(re.sub(r"a=candidate:[^\r]*\r\n", "", renewed))
        failed = await b.event(MediaFailed)
        assert failed.reason == "connectivity-error"
        assert "restarted" in failed.text
        await b.event(Closed)
        await a.pc.close()

    run(main)


def test_a_restart_that_the_peer_ignores_is_given_up_and_another_one_is_taken(run: Run) -> None:
    async def main() -> None:
        async with call(audio=Tone(), back_audio=Tone()) as (a, b):
            await b.received("audio", 3)
            before = local_ports(a)
            await a.pc.renew_ice()
            assert local_ports(a) > before
            a.pc.give_up_restart()
            await a.received("audio", 20)
            await b.received("audio", 20)
            answer = await b.pc.restart_ice(await a.pc.renew_ice())
            await a.pc.restart_ice(answer)
            for leg in (a, b):
                await leg.event(IceRenewed)
            a.pc.give_up_restart()  # nothing is under way: nothing changes
            check_unbroken(b)

    run(main)


def test_without_a_free_port_the_old_pair_stays(run: Run) -> None:
    async def main() -> None:
        narrow = Network(("127.0.0.1",), ports=free_ports(2))
        async with call(network=narrow, audio=Tone(), back_audio=Tone()) as (a, b):
            await b.received("audio", 3)
            with pytest.raises(NetworkError, match="are taken"):
                await a.pc.renew_ice()
            with pytest.raises(NetworkError, match="are taken"):
                await b.pc.restart_ice(
                    re.sub(r"a=ice-ufrag:\S+", "a=ice-ufrag:new1", a.pc._pc.localDescription.sdp)
                )
            await b.received("audio", 10)
            await a.received("audio", 10)
            check_unbroken(b)

    run(main)


def test_what_is_no_restart(run: Run) -> None:
    async def main() -> None:
        async with jingle_call() as (a, b):
            same = a.leg.pc._pc.localDescription.sdp
            assert credentials(await b.leg.pc.restart_ice(same)) == credentials(
                b.leg.pc._pc.localDescription.sdp
            )
            with pytest.raises(DescriptionError, match="lacks its ufrag"):
                await b.leg.pc.restart_ice(re.sub(r"a=ice-pwd:\S+\r\n", "", same))
            assert renewals(b.leg) == 0

    run(main)


@pytest.mark.parametrize("steps", range(0, 60, 6))
def test_close_at_any_moment_of_a_restart_leaves_nothing(run: Run, steps: int) -> None:
    async def main() -> None:
        async with jingle_call() as (a, b):
            task = asyncio.create_task(restart(a, b))
            for _ in range(steps):
                await asyncio.sleep(0)
            await b.leg.pc.close()
            await a.leg.pc.close()
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.exception()

    run(main)


def test_the_names_are_used_as_we_think() -> None:
    transport = inspect.getsource(RTCIceTransport)
    assert "self._connection = gatherer._connection" in transport
    assert "self._recv = self._connection.recv" in transport
    assert "self._send = self._connection.send" in transport
    assert "event = await self._connection.get_event()" in transport
    assert "self.__iceGatherer._remote_candidates_end" in transport
    assert "self._connection.local_candidates" in inspect.getsource(RTCIceGatherer)
    dtls = inspect.getsource(RTCDtlsTransport)
    assert dtls.count("self.transport._recv()") == 2
    assert dtls.count("self.transport._send(data)") == 2
