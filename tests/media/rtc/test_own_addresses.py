"""Own addresses that calls use are watched; `tests/live/test_moving.py` takes one away."""

import asyncio
from pathlib import Path

import pytest
from callboard.media import AddressLost, ClockPattern, Network, Tone
from callboard.media.rtc.ice import own_addresses
from callboard.media.rtc.ice.own_addresses import PERIOD, REPEAT, OwnAddresses, Watch, is_here
from callboard.tests.conftest import Run
from callboard.tests.media.coturn import coturn, needs_coturn
from callboard.tests.media.legs import call


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1"])
def test_an_address_is_here_if_a_socket_can_have_it(address: str) -> None:
    assert is_here(address)


def test_a_loss_is_told_at_once_and_again_while_it_lasts(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone: set[str] = set()
    monkeypatch.setattr(own_addresses, "is_here", lambda address: address not in gone)

    async def main() -> None:
        told: list[str] = []
        used = {"127.0.0.2"}
        watch = Watch(lambda: used, told.append)
        OwnAddresses.running().add(watch)
        await asyncio.sleep(3 * PERIOD)
        assert told == []
        gone.add("127.0.0.2")
        await asyncio.sleep(1.5 * PERIOD)
        assert told == ["127.0.0.2"]
        await asyncio.sleep(REPEAT + PERIOD)
        assert told == ["127.0.0.2"] * 2
        used.clear()
        used.add("127.0.0.3")  # another way was found
        await asyncio.sleep(2 * REPEAT)
        assert len(told) == 2
        gone.add("127.0.0.3")
        OwnAddresses.running().remove(watch)
        await asyncio.sleep(2 * PERIOD)
        assert len(told) == 2
        assert OwnAddresses.running()._timer is None

    run(main, loop="virtual")


@pytest.mark.parametrize("video", [None, ClockPattern()], ids=["audio", "audio+video"])
def test_a_connection_tells_of_its_own_address(
    run: Run, monkeypatch: pytest.MonkeyPatch, video: ClockPattern | None
) -> None:
    monkeypatch.setattr(own_addresses, "PERIOD", 0.05)

    async def main() -> None:
        async with call(audio=Tone(), video=video) as (a, _):
            assert a.pc._renewals.own_addresses() == {"127.0.0.1"}
            monkeypatch.setattr(own_addresses, "is_here", lambda _: False)
            assert (await a.event(AddressLost)).address == "127.0.0.1"
        assert not OwnAddresses.running()._watches

    run(main)


@needs_coturn
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_behind_a_relay_it_is_the_address_towards_the_relay(
    run: Run, tmp_path: Path, transport: str
) -> None:
    async def main() -> None:
        async with coturn(tmp_path) as server:
            hidden = Network(("127.0.0.1",), ice_servers=(server.turn(transport),), relay_only=True)
            async with call(network=hidden, audio=Tone()) as (a, b):
                assert a.pc._renewals.own_addresses() == {"127.0.0.1"}
                assert b.pc._renewals.own_addresses() == {"127.0.0.1"}

    run(main)
