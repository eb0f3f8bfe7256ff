"""Calls that hear each other in a room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from callboard.bots import Call, CallOver, Room
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, CAROL, Stage, staged

TONES = {ALICE: 400, BOB: 700}


@asynccontextmanager
async def gathered(folder: Path) -> AsyncIterator[tuple[Stage, list[tuple[Call, Call]]]]:
    """Calls of Alice and Bob to Carol, each with its own tone: theirs and Carol's handle."""
    async with staged(folder, [*TONES, CAROL]) as stage:
        await stage.online(*TONES, CAROL)
        pairs = []
        for jid, tone in TONES.items():
            call = await stage.puppets[jid].call(CAROL, audio=f"tone:{tone}")
            came = await stage.ringing(CAROL, call.id)
            await came.answer()
            await call.connected()
            pairs.append((call, came))
        yield stage, pairs


async def strengths(call: Call, frames: int) -> dict[int, float]:
    """How strong each tone is in what a call hears from now on."""
    parts: list[np.ndarray] = []
    async for frame in call.frames("audio", layout="mono"):
        parts.append(frame.to_ndarray().reshape(-1).astype(np.float64))
        if len(parts) == frames:
            break
    wave = np.concatenate(parts[frames // 2 :])
    time = np.arange(len(wave)) / 48_000
    return {
        tone: float(2 * abs(wave @ np.exp(-2j * np.pi * tone * time)) / len(wave))
        for tone in TONES.values()
    }


async def until_heard(call: Call, tone: int, *, on: bool = True) -> dict[int, float]:
    """Listen until a tone is there, or no longer."""
    while True:
        found = await strengths(call, 40)
        if (found[tone] > 3000) is on:
            return found


def test_callers_of_a_bot_hear_each_other(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with gathered(tmp_path) as (_, pairs), AsyncExitStack() as stack:
            (alice, one), (bob, two) = pairs
            room, other = Room(tones=False), Room()
            stack.push_async_callback(room.close)
            stack.push_async_callback(other.close)
            await asyncio.gather(room.add(one), room.add(two))
            assert (await until_heard(alice, 700))[400] < 300
            assert (await until_heard(bob, 400))[700] < 300
            assert {call for call, _ in await room.speakers()} == {one, two}
            for wrong in (room, other):
                with pytest.raises(ValueError, match="room"):
                    await wrong.add(one)

            await room.mute(two)
            await until_heard(alice, 700, on=False)
            await room.mute(two, on=False)
            await until_heard(alice, 700)

            await room.remove(two)
            await until_heard(alice, 700, on=False)
            for wrong in (room, other):
                with pytest.raises(ValueError, match="not in this room"):
                    await wrong.mute(two)
            await room.add(two, speaks=False)
            assert (await until_heard(bob, 400))[700] < 300
            assert (await until_heard(alice, 700, on=False))[400] < 300
            await room.remove(two)
            await other.add(two)
            await other.remove(two)
            await room.add(two)
            await until_heard(alice, 700)

            await bob.hangup()
            await two.ended()
            await until_heard(alice, 700, on=False)
            for order in (room.add, room.mute):
                with pytest.raises(CallOver):
                    await order(two)
            assert [call for call, _ in await room.speakers()] == [one]
            await room.close()
            assert await room.speakers() == []
            await room.add(one)
            await alice.hangup()
            await one.ended()

    run(main)


@pytest.mark.parametrize("wrong", [None, "call", 3])
def test_only_calls_are_let_in(run: Run, wrong: object) -> None:
    async def main() -> None:
        room = Room()
        for order in (room.add, room.remove, room.mute):
            with pytest.raises(TypeError, match="give a Call"):
                await order(wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            Room(tones="loud")  # type: ignore[arg-type]

    run(main)


def has_beep(wave: np.ndarray, tone: int, rate: int) -> bool:
    """Whether some 50 ms have a tone that stands out of all that is near to it.

    A break in the sound, as a late packet makes it, has all frequencies, and none that does.
    """
    size = rate // 20
    parts = [wave[at : at + size] for at in range(0, len(wave) - size, size // 2)]
    spectra = np.abs(np.fft.rfft(np.array(parts) * np.hanning(size)))
    peak = tone // 20  # Hz between two lines of the spectrum
    near = np.hstack([spectra[:, peak - 6 : peak - 2], spectra[:, peak + 3 : peak + 7]])
    heard = spectra[:, peak] > spectra.max() / 100
    return bool(np.any(heard & (spectra[:, peak] > 4 * near.max(axis=1))))


@pytest.mark.parametrize("tones", [True, False])
def test_who_comes_is_told_by_a_tone_unless_nobody_wants_that(
    run: Run, tmp_path: Path, tones: bool
) -> None:
    async def main() -> None:
        async with gathered(tmp_path) as (_, [(alice, one), (_, two)]):
            room = Room(record="mix", tones=tones)
            await room.add(one)
            await room.add(two)
            await until_heard(alice, 700)
            outcome = await room.close()
            assert outcome is not None
            with av.open(str(outcome.path)) as container:
                decoded = list(container.decode(audio=0))
            wave = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in decoded])
            # The second tone of a chime; the first is too near to that of Bob.
            assert has_beep(wave, 880, decoded[0].sample_rate) is tones

    run(main)


@pytest.mark.parametrize("ends", ["close", "hangup"])
def test_the_mix_is_recorded(run: Run, tmp_path: Path, ends: str) -> None:
    async def main() -> None:
        async with gathered(tmp_path) as (_, [(alice, one), (bob, two)]):
            room = Room(record="mix", tones=False)
            before = room.path
            await room.add(one)
            await room.add(two)
            assert before is None
            await until_heard(alice, 700)
            await until_heard(bob, 400)
            await until_heard(bob, 400)
            if ends == "hangup":
                # Of two that hang up at once, either may be the last, which has the whole file.
                await alice.hangup()
                await one.ended()
                await bob.hangup()
                await two.ended()
            outcome = await room.close()
            assert outcome is not None
            assert outcome.failure is None
            assert [each.direction for each in outcome.files] == ["mix"]
            if ends == "hangup":
                assert set(outcome.files) <= set((await two.ended()).recordings)
            assert outcome.path == room.path
            with av.open(str(outcome.path)) as container:
                decoded = list(container.decode(audio=0))
            wave = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in decoded])
            wave = wave[len(wave) // 2 :]
            spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
            hertz = np.fft.rfftfreq(len(wave), 1 / decoded[0].sample_rate)
            for tone in TONES.values():
                near = spectrum[np.abs(hertz - tone) < 10].max()
                assert near > 20 * np.median(spectrum)
            with pytest.raises(ValueError, match="give 'mix'"):
                Room(record="all")  # type: ignore[arg-type]

    run(main)
