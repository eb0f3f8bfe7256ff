"""Two legs that hear and see each other, on the loop."""

from contextlib import suppress

from ..codecs.sound import Samples, SoundEncoder
from ..errors import MediaClosedError
from ..frames.codec import CLOCK_RATES
from ..frames.frame import KINDS, EncodedFrame, Kind
from ..hearing.ear import Hearing
from ..rtc.connection_media import ConnectionMedia
from ..rtc.rtp.key_presses import KeyPress
from ..rtc.rtp.telephone_event import DigitBegan, DigitEvent
from .forwarding_leg import ForwardingLeg
from .inserted_leg import InsertedLeg
from .picture_transcoding import PictureTranscoding


class BridgeMedia:
    """Sends on to each of two legs what the other one receives.

    Where the codecs of a kind agree, encoded frames go on as they are, in the turn of the loop in
    which they come. Where they do not, they go through a decoder and an encoder on a thread. That
    is decided for each kind and each way, with each frame, so it follows when a codec changes.

    Pictures begin with a key frame, for which the peer they come from is asked at once.
    """

    def __init__(self, one: ConnectionMedia, other: ConnectionMedia) -> None:
        """Join two legs.

        Args:
            one: Audio and video of a leg; what it plays is replaced.
            other: The same of the other one.

        Raises:
            MediaClosedError: One is closed.
        """
        self._ways = (OneWay(one, other), OneWay(other, one))
        for way in self._ways:
            way.open()

    @property
    def transcoded(self) -> frozenset[Kind]:
        """The kinds that go through a decoder and an encoder, one way or both."""
        return frozenset(kind for way in self._ways for kind in way.transcoded)

    def refresh(self, origin: ConnectionMedia) -> None:
        """Ask for a key frame of a leg: its peer shows its pictures again.

        Args:
            origin: The one or the other leg.
        """
        for way in self._ways:
            if way.origin is origin:
                way.refresh()

    def close(self) -> None:
        """Part the legs. They play silence and black, unless something else is played."""
        for way in self._ways:
            way.close()


class OneWay:
    """What goes from one leg to another one, and how it gets there.

    Attributes:
        origin: The leg that it comes from.
    """

    def __init__(
        self,
        origin: ConnectionMedia,
        target: ConnectionMedia,
        plays: ForwardingLeg | InsertedLeg | None = None,
    ) -> None:
        """Change nothing yet.

        Args:
            origin: The leg that it comes from.
            target: The other one.
            plays: How it goes out there; None: in the place of what the leg plays.
        """
        self.origin = origin
        self._target = target
        self._hearing: Hearing | None = None
        self._is_begun = dict.fromkeys(KINDS, False)
        self._straight: dict[Kind, tuple[str, int]] = {}  # codec, and `changes` as it was chosen
        self._picture: PictureTranscoding | None = None
        self._plays = plays or ForwardingLeg(target, self.refresh)
        self._sound_codec = ""  # that goes out, while sound is transcoded
        self._pressed: list[KeyPress] = []

    @property
    def transcoded(self) -> list[Kind]:
        """The kinds that go through a decoder and an encoder."""
        through: tuple[tuple[Kind, object], ...] = (
            ("audio", self._hearing),
            ("video", self._picture),
        )
        return [kind for kind, what in through if what is not None]

    def open(self) -> None:
        """Begin."""
        self._plays.open()
        self.origin.received.receivers.append(self._take)
        self.origin.digit_listeners.append(self._press)
        self.refresh()

    def close(self) -> None:
        """Let what goes out be as it was."""
        self.origin.received.remove_receiver(self._take)
        with suppress(ValueError):
            self.origin.digit_listeners.remove(self._press)
        self._release()
        self._stop_transcoding("audio")
        self._stop_transcoding("video")
        self._plays.give_back()

    def _take(self, frame: EncodedFrame) -> None:
        if self._straight.get(frame.kind) == (frame.codec, self._target.changes):
            self._plays.forward(frame)
            return
        self._straight.pop(frame.kind, None)
        codec = self._target.codec(frame.kind)
        if codec is None:
            self._plays.forget(frame.kind)
            self._stop_transcoding(frame.kind)
            return
        with suppress(MediaClosedError):  # then the bridge is about to end
            if self._plays.claim(frame.kind):
                self._is_begun[frame.kind] = False
            if codec == frame.codec:
                self._stop_transcoding(frame.kind)
                self._forward(frame)
                self._straight[frame.kind] = (codec, self._target.changes)
            elif frame.kind == "audio":
                self._transcode_sound(codec)
            else:
                self._transcode_picture(codec, frame)

    def _forward(self, frame: EncodedFrame) -> None:
        anew = not self._is_begun[frame.kind]
        self._is_begun[frame.kind] = True
        self._plays.forward(frame, anew=anew)

    def refresh(self) -> None:
        """Get a key frame."""
        if self._picture is not None:
            self._picture.want_keyframe()
        else:
            self.origin.request_keyframe()

    def _press(self, event: DigitEvent) -> None:
        """Press the key that the peer presses, for as long, if the other side takes keys."""
        self._release()
        if isinstance(event, DigitBegan):
            with suppress(ValueError, MediaClosedError):
                self._pressed = self._target.press(event.digit, None)

    def _release(self) -> None:
        for press in self._pressed:
            press.release()
        self._pressed = []

    # -- through a decoder and an encoder ----------------------------------------------------------

    def _transcode_sound(self, codec: str) -> None:
        if self._hearing is not None and self._sound_codec == codec:
            return
        self._stop_transcoding("audio")
        encoder = SoundEncoder(codec)
        self._sound_codec = codec

        def encode(sound: Samples, timestamp: int) -> tuple[bytes, int]:
            return encoder.encode(sound), timestamp

        def done(encoded: tuple[bytes, int]) -> None:
            self._forward(_sound(codec, *encoded))

        self._is_begun["audio"] = False
        self._hearing = self.origin.received.work_on(encoder.rate, 1, encode, done, self._deaf)

    def _transcode_picture(self, codec: str, frame: EncodedFrame) -> None:
        if self._picture is None or self._picture.codec != codec:
            self._stop_transcoding("video")
            self._is_begun["video"] = False
            self._picture = PictureTranscoding(
                codec, self._forward, self.origin.request_keyframe, self._target.bit_rate
            )
        self._picture.take(frame)

    def _stop_transcoding(self, kind: Kind) -> None:
        if kind == "audio" and self._hearing is not None:
            self._hearing.close()
            self._hearing = None
            self._is_begun[kind] = False
        elif kind == "video" and self._picture is not None:
            self._picture.close()
            self._picture = None
            self._is_begun[kind] = False

    def _deaf(self) -> None:
        self._hearing = None


def _sound(codec: str, data: bytes, timestamp: int) -> EncodedFrame:
    rate = CLOCK_RATES[codec]
    return EncodedFrame("audio", codec, data, timestamp * rate // 48_000, rate, 0.0, True)
