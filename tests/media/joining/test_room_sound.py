"""What a room does with the sound that its members send."""

from collections.abc import Sequence

import numpy as np
import pytest
from callboard.media import EncodedFrame
from callboard.media.codecs.sound import SOUND_CODECS, SoundDecoder
from callboard.media.joining.mix import BLOCK, levels
from callboard.media.joining.room_sound import Part, RoomSound
from callboard.tests.media.calls import tone


@pytest.fixture(scope="module", autouse=True)
def _made() -> None:
    """Encode before a loop would have to wait for it."""
    for codec in SOUND_CODECS:
        tone(400, 6, codec=codec)


class Member:
    """Somebody who says a tone, and how much of it a listener hears."""

    def __init__(self, codec: str = "opus") -> None:
        self.codec = codec
        self.sound = RoomSound()
        self.heard: list[bool] = []
        self._decoder = SoundDecoder("opus")

    def frame(self, number: int) -> EncodedFrame:
        """Give a packet."""
        rate = SOUND_CODECS[self.codec].rate
        data = tone(400, 6, codec=self.codec)[number]
        return EncodedFrame("audio", self.codec, data, number * rate // 50, rate, 0.0, True)

    def mix(self, numbers: Sequence[int] | None) -> bool:
        """Mix a block with these packets; tells whether the listener hears the tone."""
        frames = None if numbers is None else [self.frame(number) for number in numbers]
        parts = [Part("member", frames, None), Part("listener", None, "opus")]
        sound = self._decoder.decode(self.sound.mix(parts).shared["opus"])
        self.heard.append(levels(sound.T.astype(np.float32))[0] > -30)
        return self.heard[-1]


@pytest.mark.parametrize("codec", SOUND_CODECS)
def test_what_a_member_says_is_heard(codec: str) -> None:
    member = Member(codec)
    for number in range(20):
        member.mix([number])
    assert all(member.heard[2:])


def test_frames_that_come_together_are_heard_one_after_the_other() -> None:
    member = Member()
    for number in range(0, 60, 4):
        member.mix(range(number, number + 4))
        for _ in range(3):
            member.mix([])
    assert all(member.heard[2:])


def test_nothing_is_heard_of_who_is_muted_and_says_nothing_from_before_that_after_it() -> None:
    member = Member()
    member.mix(range(5))
    assert member.mix([5])
    for _ in range(5):
        member.mix(None)
    assert not any(member.mix([]) for _ in range(5))


def test_what_waits_is_bounded() -> None:
    member = Member()
    member.mix(range(100))
    for _ in range(10):
        member.mix([])
    assert member.heard.count(True) <= 6


def test_the_delay_after_a_break_is_made_up_for() -> None:
    member = Member()
    for number in range(10):
        member.mix([number])
    for _ in range(20):  # nothing comes for a while, and then all that was held up
        member.mix([])
    member.mix(range(10, 30))
    for number in range(30, 290):
        member.mix([number])
    assert all(member.heard[-160:])
    assert sum(member.mix([]) for _ in range(10)) <= 2


def test_silence_in_the_place_of_what_was_lost_is_not_heard_after_it() -> None:
    member = Member()
    for number in range(10):
        member.mix([number])
    for _ in range(20):  # lost for good
        member.mix([])
    heard = [member.mix([number]) for number in range(30, 40)]
    assert all(heard[1:])


def test_one_who_sends_nonsense_disturbs_nobody() -> None:
    sound = RoomSound()
    nonsense = EncodedFrame("audio", "opus", b"\xff" * 40, 0, 48_000, 0.0, True)
    unknown = nonsense._replace(codec="speex")
    member = Member()
    for number in range(10):
        at = number * BLOCK
        parts = [
            Part("bad", [nonsense._replace(timestamp=at), unknown._replace(timestamp=at)], "opus"),
            Part("good", [member.frame(number)], "opus"),
        ]
        mixed = sound.mix(parts)
        assert set(mixed.own) >= {"good"}
        loud = mixed.levels
    assert loud["good"] > -30
