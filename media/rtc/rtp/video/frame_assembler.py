"""Encoded frames of video, put together from the packets that they were cut into."""

from typing import NamedTuple

from .payload_format import Fragment, is_sequence_set, set_identity

_START_CODE = b"\0\0\0\1"


class AssembledFrame(NamedTuple):
    """A whole encoded frame.

    Attributes:
        codec: The RTP encoding name.
        data: The frame; H264 in Annex B format, a key frame with its parameter sets.
        timestamp: The RTP timestamp, 32 bits.
        keyframe: Whether a decoder can begin here.
        after_loss: Whether frames are missing between the one before and this one.
    """

    codec: str
    data: bytes
    timestamp: int
    keyframe: bool
    after_loss: bool


class FrameAssembler:
    """Takes the fragments of one RTP stream in their order; gives frames whole or not at all.

    After a loss it gives nothing before the next key frame, as no decoder could show it.

    Attributes:
        follows: Whether a decoder that has got every frame until now can show the next one.
    """

    LARGEST, BESIDE = 5_000_000, 100
    """Octets of one frame, with what is counted beside each of its fragments. More is no frame."""

    MOST_SETS = 32
    """Parameter sets that are remembered. WebRTC's endpoints have two at a time."""

    def __init__(self) -> None:
        self.follows = False
        self._after_loss = False
        self._codec = ""
        self._data: list[bytes] = []
        self._size = 0
        self._key = False
        self._shown = False
        self._timestamp = -1
        self._whole = False
        self._says_size = False
        self._ahead: list[bytes] = []
        self._sets: dict[tuple[int, int], bytes] = {}

    @property
    def receives_keyframe(self) -> bool:
        """Whether a key frame has begun to come, or the parameter sets that go before it."""
        return bool(self._ahead) or (self._whole and (self._key or self._says_size))

    @property
    def knows_sets(self) -> bool:
        """Whether a key frame of H264 could be shown that comes without parameter sets."""
        return bool(self._sets)

    def add(
        self, codec: str, timestamp: int, marker: bool, fragment: Fragment
    ) -> tuple[AssembledFrame, ...]:
        """Take the next fragment.

        Args:
            codec: The RTP encoding name.
            timestamp: The packet's RTP timestamp.
            marker: Whether the packet says that it is its frame's last one (RFC 7741 §4.1,
                RFC 6184 §5.1). Where none says so, a frame ends with the next timestamp.
            fragment: What the packet holds.

        Returns:
            The frames that are whole now: none, one or two.
        """
        done: tuple[AssembledFrame, ...] = ()
        if timestamp != self._timestamp or codec != self._codec:
            if self._timestamp >= 0:
                done = self._finish()
            if codec != self._codec:
                self._codec = codec
                self.follows = False
            self._timestamp = timestamp
            self._whole = fragment.first
        if self._whole:
            self._data.append(fragment.data)
            self._key |= fragment.key
            self._shown |= fragment.shown
            self._size += len(fragment.data) + self.BESIDE
            if self._size > self.LARGEST:
                self._whole = False
                self._data.clear()
        if fragment.sets:
            self._remember(fragment.sets)
        return done + self._finish() if marker else done

    def is_between(self, codec: str) -> bool:
        """Tell whether the next frame is one that nothing of before belongs to, and can be shown.

        Args:
            codec: The RTP encoding name of the next frame.
        """
        is_clean = self._timestamp < 0 and not self._ahead and not self._after_loss
        return is_clean and self.follows and codec == self._codec

    def interrupt(self) -> None:
        """Take note that what comes next in the stream is not what comes next here."""
        self._timestamp = -1
        self._lose()
        self._ahead.clear()
        self._clear()

    def spoil(self, timestamp: int) -> None:
        """Take note that a packet can't be read, and with it its frame."""
        if timestamp != self._timestamp:
            self.interrupt()
            self._timestamp = timestamp
        self._whole = False

    def _finish(self) -> tuple[AssembledFrame, ...]:
        timestamp, self._timestamp = self._timestamp, -1
        if not self._whole:
            self._lose()
            self._clear()
            return ()
        data, key = self._data, self._key
        if not self._shown:
            # Parameter sets in packets of their own belong to the picture that comes next.
            self._ahead += data
            del self._ahead[: -self.MOST_SETS]
            self._clear(self._says_size)
            return ()
        if key and self._codec == "H264" and not self._says_size:
            sets = sorted(self._sets.items())
            self._ahead = [_START_CODE + unit for _, unit in sets]
            key = any(is_sequence_set(unit) for _, unit in sets)
        if self._ahead:
            data = self._ahead + data
        self._ahead = []
        frame = b"".join(data)
        self._clear()
        if key:
            self.follows = True
        if not self.follows:
            self._after_loss = True
            return ()
        after_loss, self._after_loss = self._after_loss, False
        return (AssembledFrame(self._codec, frame, timestamp, key, after_loss),)

    def _lose(self) -> None:
        self.follows = False
        self._after_loss = True

    def _clear(self, says_size: bool = False) -> None:
        self._data = []
        self._size = 0
        self._key = self._shown = False
        self._says_size = says_size

    def _remember(self, sets: tuple[bytes, ...]) -> None:
        for unit in sets:
            self._sets.pop(set_identity(unit), None)
            self._sets[set_identity(unit)] = unit
            self._says_size |= is_sequence_set(unit)
        while len(self._sets) > self.MOST_SETS:
            del self._sets[next(iter(self._sets))]
