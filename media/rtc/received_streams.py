"""Who hears and sees what one connection receives."""

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from ..codecs.sound import Samples
from ..frames.frame import EncodedFrame, Kind
from ..frames.frame_batch import FrameBatch
from ..hearing.ear import Ear, Hearing
from ..hearing.eye import Eye
from ..hearing.reader_queue import Frame, ReaderQueue
from ..hearing.sound_frames import sound_frames
from ..hearing.speech import Speech, hear_speech, read_speech
from ..hearing.speech_options import SpeechOptions
from ..hearing.still_picture import ImageFormat, StillPicture
from .watchers import Watchers

T = TypeVar("T")

logger = logging.getLogger(__name__)

Receiver = Callable[[EncodedFrame], None]


class ReceivedStreams:
    """What the peer of one connection sends, for those who want it decoded, or as it comes.

    Attributes:
        codecs: The RTP encoding name of the last frame of each kind.
        receivers: Called on the loop with each encoded frame received, on the paths `packets` and
            `frames`; unlike sinks they see nothing of what is sent, which costs less.
    """

    def __init__(
        self,
        *,
        largest_picture: int,
        check: Callable[[Kind], None],
        on_wanted: Callable[[], None],
        request_keyframe: Callable[[], None],
    ) -> None:
        """Begin before anything has come.

        Args:
            largest_picture: Pixels of the largest picture that is decoded.
            check: Raises if nothing of a kind can come.
            on_wanted: Called when somebody wants frames as they come.
            request_keyframe: Asks the peer for a key frame of its video.
        """
        self.codecs: dict[Kind, str] = {}
        self.receivers: Watchers[Receiver] = Watchers(on_wanted)
        self._check = check
        self._ear = Ear()
        self._eye = Eye(largest_picture, request_keyframe)
        self._largest_picture = largest_picture
        self._on_wanted = on_wanted
        self._request_keyframe = request_keyframe

    def are_wanted(self, kind: Kind) -> bool:
        """Tell whether somebody wants each frame of a kind as it comes."""
        return bool(self.receivers) or (self._ear.listens if kind == "audio" else self._eye.looks)

    def note(self, frame: EncodedFrame | FrameBatch) -> None:
        """Take note of what comes.

        Args:
            frame: The last one of its kind, or the last ones.
        """
        self.codecs[frame.kind] = frame.codec

    def take(self, frame: EncodedFrame) -> None:
        """Give a frame to those who want it.

        Args:
            frame: As it came.
        """
        kind = frame.kind
        self.note(frame)
        if kind == "audio":
            self._ear.take(frame)
        else:
            self._eye.take(frame)
        for receiver in tuple(self.receivers):
            try:
                receiver(frame)
            except Exception:
                logger.exception("A receiver failed and is taken off")
                self.remove_receiver(receiver)

    def end(self) -> None:
        """Tell all who listen that nothing more comes."""
        self._ear.end()
        self._eye.end()

    def remove_receiver(self, receiver: Receiver) -> None:
        """Remove one of the receivers.

        Args:
            receiver: One that was added; others are ignored.
        """
        with suppress(ValueError):
            self.receivers.remove(receiver)

    def hear(
        self,
        rate: int,
        channels: int,
        callback: Callable[[Samples, int], None],
        on_end: Callable[[], None] = lambda: None,
    ) -> Hearing:
        """Get the received sound, decoded, from now on. Nothing is decoded while nobody does.

        Lost packets are concealed or silence, and so are gaps. It goes on when the codec or the
        RTP stream changes, and when audio is removed and added again.

        Args:
            rate: Samples a second, in Hz: 8000 to 48000, a multiple of 50. Nothing is resampled if
                it is the codec's: 48000 for Opus, 8000 for G.711.
            channels: 1 or 2.
            callback: Called on the loop with 20 ms of sound, of shape (samples, channels), and the
                time at which it begins, in ticks of 48 kHz since the first sound. Several get the
                same array: it must not be written to.
            on_end: Called on the loop when the connection closes.

        Returns:
            The hearing, for `close()`.

        Raises:
            ValueError: There is no such rate, or are no so many channels; the path is `none`, or no
                audio is received.
            MediaClosedError: The connection is closed.
        """
        return self.work_on(
            rate, channels, lambda *heard: heard, lambda heard: callback(*heard), on_end
        )

    def work_on(
        self,
        rate: int,
        channels: int,
        work: Callable[[Samples, int], T | None],
        done: Callable[[T], None],
        on_end: Callable[[], None] = lambda: None,
    ) -> Hearing:
        """Have something done with the received sound on the thread that decodes it.

        Args:
            rate: As in `hear`.
            channels: As in `hear`.
            work: Called on the thread with what `hear` gives, in order and never twice at once.
            done: Called on the loop with what that returned, if it is not None.
            on_end: Called on the loop when the connection closes.

        Raises:
            ValueError, MediaClosedError: See `hear`.
        """
        self._want("audio")
        return self._ear.hear(rate, channels, work, done, on_end)

    def frames(
        self, kind: Kind, limit: int = 50, *, rate: int = 48000, layout: str = "stereo"
    ) -> ReaderQueue[Frame]:
        """Iterate over the decoded frames of a kind. Nothing is decoded while nobody does.

        It goes on when the kind is removed and added again. Pictures begin with a key frame, which
        the peer is asked for.

        Args:
            kind: "audio" or "video".
            limit: How many frames wait for a slow reader, 64 MiB at most. The oldest are dropped.
            rate: Of audio, samples a second, in Hz: 8000 to 48000, a multiple of 50.
            layout: Of audio, "mono" or "stereo".

        Returns:
            An iterator that ends when the connection closes; what was not read by then is gone.

        Raises:
            ValueError: There is no such rate or layout; the path is `none`, or nothing of that kind
                is received.
            MediaClosedError: The connection is closed.
        """
        self._want(kind)
        if kind == "audio":
            return sound_frames(self._ear, limit=limit, rate=rate, layout=layout)
        return self._eye.look(limit)

    def hear_speech(
        self,
        options: SpeechOptions,
        callback: Callable[[Speech], None],
        on_end: Callable[[], None] = lambda: None,
    ) -> Hearing:
        """Be told when the peer begins and ends to speak, for example to stop what is played.

        Args:
            options: What counts as speech.
            callback: Called on the loop with `SpeechBegan` and `SpeechEnded`, in turns.
            on_end: Called on the loop when the connection has closed, after the last of them.

        Returns:
            The hearing, for `close()`.

        Raises:
            SpeechError: The extra `speech` is not installed.
            ValueError: The path is `none`, or no audio is received.
            MediaClosedError: The connection is closed.
        """
        self._want("audio")
        return hear_speech(self._ear, options, callback, on_end)

    def speech(self, options: SpeechOptions, limit: int = 50) -> ReaderQueue[Speech]:
        """Iterate over `SpeechBegan` and `SpeechEnded`, in turns.

        Args:
            options: What counts as speech.
            limit: How many of them wait for a slow reader, 64 MiB at most. The oldest are dropped.

        Returns:
            An iterator. When the connection closes it ends, once all was read.

        Raises:
            SpeechError: The extra `speech` is not installed.
            ValueError: The path is `none`, or no audio is received.
            MediaClosedError: The connection is closed.
        """
        self._want("audio")
        return read_speech(self._ear, options, limit=limit)

    def _want(self, kind: Kind) -> None:
        self._check(kind)
        self._on_wanted()

    async def snapshot(self, format: ImageFormat = "jpeg") -> bytes:  # noqa: A002
        """Make an image of the next key frame of the peer's video, which is asked for one.

        Args:
            format: "jpeg" or "png".

        Returns:
            The image, as the content of a file.

        Raises:
            SnapshotError: No key frame came within five seconds, or none that can be shown.
            ValueError: No video is received, or the path is `none`.
            MediaClosedError: The connection is closed.
        """
        self._check("video")
        snapshot = StillPicture(format, self._largest_picture, self._request_keyframe)
        self.receivers.append(snapshot.take)
        try:
            return await snapshot.image
        finally:
            snapshot.close()
            self.remove_receiver(snapshot.take)
