"""Where frames from elsewhere stand on the timeline of what a leg sends."""

from ...frames.frame import EncodedFrame, Kind


class Splice:
    """Puts frames of one origin after what a leg has sent. Pictures begin with a key frame.

    Attributes:
        offset: From a frame's timestamp to the leg's; None before the first frame.
    """

    def __init__(self, kind: Kind) -> None:
        self.offset: int | None = None
        self._awaits_keyframe = kind == "video"
        self._kind = kind

    def skip(self) -> None:
        """Note that frames were left out: a decoder can make nothing of the pictures between."""
        self._awaits_keyframe = self._kind == "video"

    def place(self, frame: EncodedFrame, now: int, rate: int) -> int | None:
        """Find the RTP timestamp for a frame.

        Args:
            frame: The next one.
            now: The leg's timestamp of this moment.
            rate: Ticks a second of the leg's clock, in Hz.

        Returns:
            The timestamp; None if the picture is left out because a key frame must come first.
        """
        if self._awaits_keyframe and not frame.keyframe:
            return None
        self._awaits_keyframe = False
        if self.offset is None or abs(frame.timestamp + self.offset - now) > rate:
            self.offset = now - frame.timestamp
        return frame.timestamp + self.offset
