"""Many legs that hear and see each other, on the loop."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Mapping
from functools import partial

from ..codecs.picture import BIT_RATE
from ..codecs.sound import Samples
from ..codecs.threads import CodecThreads
from ..frames.codec import CLOCK_RATES
from ..frames.frame import KINDS, EncodedFrame
from ..rtc.connection_media import ConnectionMedia
from ..rtc.rtp.receive_path import ReceivePath
from ..sources.pacer import Pacer
from .forwarding_leg import ForwardingLeg
from .mix import BLOCK, RATE, SILENT, Mixed, chime
from .picture_transcoding import PictureTranscoding
from .room_sound import QUIET, Part, RoomSound

logger = logging.getLogger(__name__)

MIX_CODEC = "opus"
"""In which a recording of the mix is."""

JOINED, LEFT = chime(660, 880), chime(880, 660)
"""What all hear when somebody comes or goes."""


class RoomMember:
    """One leg in a room.

    Attributes:
        media: Its audio and video.
        speaks: Whether the others hear it, unless it is muted.
        muted: Whether it is muted here; its peer is not told.
        level: How loud it is, smoothed, in dBov.
        hears: The RTP encoding name in which its peer gets the others' sound; None: it gets none.
    """

    MOST_WAITING = 10
    """Frames of sound that wait to be mixed: 200 ms. Above that the oldest are dropped."""

    def __init__(self, media: ConnectionMedia, room: "RoomMedia", *, speaks: bool) -> None:
        self.hears: str | None = None
        self.level = SILENT
        self.media = media
        self._room = room
        self.muted = False
        self.sees: RoomMember | None = None
        self.speaks = speaks
        self._changes = -1
        self._in_codecs: dict[str, PictureTranscoding] = {}
        self._plays = ForwardingLeg(media, partial(room.asked, self))
        self._received = partial(room.received, self)
        self._waiting: deque[EncodedFrame] = deque(maxlen=self.MOST_WAITING)

    def enter(self) -> None:
        """Begin to play what the room gives, and to give it what the peer says and shows.

        Raises:
            MediaClosedError: The connection is closed.
            ValueError: Nothing can be heard on its path.
        """
        if self.speaks and self.media.path is ReceivePath.NONE:
            raise ValueError("Nobody can be heard on the path 'none': use the path 'packets'.")
        self.follow()
        self.media.received.receivers.append(self._received)

    def follow(self) -> None:
        """Go on with the kinds that there are now, and after what a bot has played meanwhile."""
        if self._changes == self.media.changes:
            return
        for kind in KINDS:
            self._plays.claim(kind)
        self.hears = self.media.codec("audio") if self._plays.plays("audio") else None
        self._changes = self.media.changes

    def leave(self) -> None:
        """Play silence and black, unless something else is played, and hear nothing more."""
        self.media.received.remove_receiver(self._received)
        self._plays.give_back()
        self.transcode_to({}, None)

    def take(self, frame: EncodedFrame) -> None:
        """Take sound that came in, if the others are to hear it."""
        if self.speaks and not self.muted:
            self._waiting.append(frame)

    def note(self, level: float) -> None:
        """Note how loud a block of it was, in dBov."""
        rate = 0.5 if level > self.level else 0.1
        self.level += rate * (level - self.level)

    def part(self) -> Part:
        """Give its part in the next block."""
        frames = tuple(self._waiting) if self.speaks and not self.muted else None
        self._waiting.clear()
        return Part(self, frames, self.hears)

    def transcode_to(
        self, viewers: Mapping[str, Collection["RoomMember"]], frame: EncodedFrame | None
    ) -> None:
        """Give its picture in other codecs too, once for all who want one of them.

        Args:
            viewers: Who does, by RTP encoding name; nothing of other codecs is made any more.
            frame: The next one of its picture.
        """
        for codec in self._in_codecs.keys() - viewers.keys():
            self._in_codecs.pop(codec).close()
        for codec in viewers:
            if codec not in self._in_codecs:
                self._in_codecs[codec] = PictureTranscoding(
                    codec,
                    partial(self._room.show, self),
                    self.media.request_keyframe,
                    partial(self._room.bit_rate, self, codec),
                )
            if frame is not None:
                self._in_codecs[codec].take(frame)

    def request_keyframe(self, codec: str | None = None) -> None:
        """Let a key frame of its picture come.

        Args:
            codec: In which somebody needs one; None: in all.
        """
        transcoding = self._in_codecs.get(codec or "")
        if transcoding is not None:
            transcoding.want_keyframe()
            return
        self.media.request_keyframe()
        if codec is None:
            for each in self._in_codecs.values():
                each.want_keyframe()


class RoomMedia:
    """Mixes the sound of its members, and shows who speaks to the others.

    Each hears all others (N-1); who only listens shares one mix, which is encoded once. Pictures
    are forwarded as they are where the codec agrees. For those who have another codec they go
    through a decoder and an encoder, once for each codec. They change at a key frame, when
    somebody else is clearly the loudest. Who speaks sees who spoke before.
    """

    CHANGE = 25
    """Blocks for which somebody must be the loudest before all see it: half a second."""

    MOST_DUE = 5
    """Blocks that are made up for when mixing was held up: 100 ms. What is above is left out."""

    def __init__(
        self, *, tones: bool = True, on_mix: Callable[[EncodedFrame], None] | None = None
    ) -> None:
        """Open a room.

        Args:
            tones: Whether all hear a tone when somebody comes or goes.
            on_mix: Called on the loop with each encoded frame of the mix of all.
        """
        self.members: list[RoomMember] = []
        self._before: RoomMember | None = None
        self._block = 0
        self._chime: deque[Samples] = deque()
        self._due = 0
        self._is_mixing = False
        self._lane = CodecThreads.running().lane()
        self._loudest: tuple[RoomMember | None, int] = (None, 0)
        self._on_mix = on_mix
        self._shown: RoomMember | None = None
        self._sound = RoomSound()
        self._tones = tones
        self._ticket = Pacer.running().start(self._step)

    @property
    def speakers(self) -> list[RoomMember]:
        """Who can be heard now, the loudest first."""
        loud = [member for member in self.members if member.level > QUIET]
        return sorted(loud, key=lambda member: -member.level)

    def add(self, media: ConnectionMedia, *, speaks: bool = True) -> RoomMember:
        """Let a leg in.

        Args:
            media: Its audio and video; what it plays is replaced.
            speaks: Whether the others hear it.

        Returns:
            The member, for `remove` and `mute`.

        Raises:
            MediaClosedError: Its connection is closed.
        """
        member = RoomMember(media, self, speaks=speaks)
        member.enter()
        self.members.append(member)
        if self._tones:
            self._play(JOINED)
        return member

    def remove(self, member: RoomMember) -> None:
        """Let a leg go: it plays silence and black from then on. Does nothing if it has gone."""
        if member not in self.members:
            return
        self.members.remove(member)
        member.leave()
        if self._shown is member:
            self._shown = self._before
        if self._before is member or self._before is self._shown:
            self._before = None
        for other in self.members:
            if other.sees is member:
                other.sees = None
        if self._shown is not None:
            self._shown.request_keyframe()
        if self._tones:
            self._play(LEFT)

    def mute(self, member: RoomMember, on: bool = True) -> None:
        """Let the others hear nothing of a member, or hear it again. Its peer is not told."""
        member.muted = on

    def close(self) -> None:
        """Let all go, and mix no more."""
        self._tones = False
        for member in tuple(self.members):
            self.remove(member)
        self._ticket.cancel()
        self._lane.close()

    def _play(self, sound: Samples) -> None:
        self._chime.clear()
        self._chime.extend(sound[at : at + BLOCK] for at in range(0, len(sound), BLOCK))

    def _step(self, due: float) -> float:
        for member in tuple(self.members):
            if member.media.is_closed:
                self.remove(member)
            else:
                member.follow()
        if self._due == self.MOST_DUE:
            self._block += 1
        else:
            self._due += 1
        self._mix_next()
        return due + BLOCK / RATE

    def _mix_next(self) -> None:
        """Mix the block that has been due for longest, unless another one is being mixed."""
        if self._is_mixing or not self._due:
            return
        self._due -= 1
        self._block += 1
        if not self.members and self._on_mix is None:
            return
        parts = [member.part() for member in self.members]
        extra = self._chime.popleft() if self._chime else None
        wanted = () if self._on_mix is None else (MIX_CODEC,)
        self._is_mixing = True
        self._lane.run(
            partial(self._sound.mix, parts, extra, wanted=wanted),
            partial(self._mixed, self._block, parts),
        )

    def _mixed(
        self, block: int, parts: list[Part], mixed: Mixed | None, error: Exception | None
    ) -> None:
        self._is_mixing = False
        if mixed is None:
            logger.error("A room could not be mixed", exc_info=error)
        else:
            self._give(block, parts, mixed)
        self._mix_next()

    def _give(self, block: int, parts: list[Part], mixed: Mixed) -> None:
        now = asyncio.get_running_loop().time()
        frames = {codec: _frame(block, codec, data, now) for codec, data in mixed.shared.items()}
        with Pacer.running().together():
            for part in parts:
                member = part.key
                if not isinstance(member, RoomMember):
                    continue
                member.note(mixed.levels.get(member, SILENT))
                if part.codec is None:
                    continue
                own = mixed.own.get(member)
                frame = frames[part.codec] if own is None else _frame(block, part.codec, own, now)
                member.media.forward(frame)
        if self._on_mix is not None and MIX_CODEC in frames:
            self._on_mix(frames[MIX_CODEC])
        self._look()

    def _look(self) -> None:
        """Decide whose picture is shown."""
        showing = [member for member in self.speakers if "video" in member.media.by_kind]
        loudest = showing[0] if showing else None
        before, blocks = self._loudest
        self._loudest = (loudest, blocks + 1 if loudest is before else 1)
        if self._shown is None:
            loudest = loudest or next(
                (each for each in self.members if "video" in each.media.by_kind), None
            )
        elif blocks < self.CHANGE:
            return
        if loudest is not None and loudest is not self._shown:
            self._before, self._shown = self._shown, loudest
            for member in (self._before, self._shown):
                if member is not None:
                    member.request_keyframe()

    def _to_see(self, member: RoomMember) -> RoomMember | None:
        return self._before if member is self._shown else self._shown

    def received(self, origin: RoomMember, frame: EncodedFrame) -> None:
        """Keep sound to be mixed, and show a picture to all who see it, or from now on will.

        Args:
            origin: Whose peer sent it.
            frame: What came in.
        """
        if frame.kind == "audio":
            origin.take(frame)
            return
        viewers: dict[str, list[RoomMember]] = {}
        for member in self._viewers(origin):
            codec = member.media.codec("video")
            if codec is not None and codec != frame.codec:
                viewers.setdefault(codec, []).append(member)
        self.show(origin, frame)
        origin.transcode_to(viewers, frame)

    def show(self, origin: RoomMember, frame: EncodedFrame) -> None:
        """Forward a picture to all who see it, or from this key frame on will, in its codec.

        Args:
            origin: Whose picture.
            frame: As it came in, or in another codec.
        """
        for member in self._viewers(origin):
            if member.media.codec("video") != frame.codec:
                continue
            if member.sees is origin:
                member.media.forward(frame)
            elif frame.keyframe:
                member.sees = origin
                member.media.forward(frame, anew=True)

    def bit_rate(self, origin: RoomMember, codec: str) -> int:
        """Return the bits per second that all can take who see a picture in a codec.

        Args:
            origin: Whose picture.
            codec: The RTP encoding name.
        """
        media = [member.media for member in self._viewers(origin)]
        rates = [each.bit_rate() for each in media if each.codec("video") == codec]
        return min(rates, default=BIT_RATE)

    def _viewers(self, origin: RoomMember) -> list[RoomMember]:
        """Give who sees a member, or is to see it."""
        return [
            member
            for member in self.members
            if member is not origin and origin in {member.sees, self._to_see(member)}
        ]

    def asked(self, member: RoomMember) -> None:
        """Pass on that a peer asked for a key frame.

        Args:
            member: Whose peer.
        """
        origin = member.sees or self._to_see(member)
        if origin is not None:
            origin.request_keyframe(member.media.codec("video"))


def _frame(block: int, codec: str, data: bytes, now: float) -> EncodedFrame:
    rate = CLOCK_RATES[codec]
    return EncodedFrame("audio", codec, data, block * rate // 50, rate, now, True)
