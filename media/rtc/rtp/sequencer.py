"""The packets of one RTP stream, in the order in which they were sent."""

from .packet import RtpPacket

_SEQUENCES = 1 << 16


class Sequencer:
    """Gives packets on as they come, and where one is missing waits a little for it.

    For audio, where each packet is a frame. aiortc's jitter buffer always holds four frames back,
    and for each packet that is lost throws away those that it holds.
    """

    DEPTH = 5
    """Packets that wait for a missing one: 100 ms, as they are sent by everybody."""

    LEAP = 100
    """Packets by which a sequence number must be off for a sender that has begun anew."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, RtpPacket] = {}

    def put(self, packet: RtpPacket) -> list[RtpPacket]:
        """Take a packet.

        Args:
            packet: As it came; duplicates, and those that nobody waits for any more, are left out.

        Returns:
            The packets that are due, in order.
        """
        number = packet.sequence_number
        if self._next is None:
            self._next = number
        if abs(self._ahead(number)) > self.LEAP:
            self._held.clear()
            self._next = number
        if self._ahead(number) >= 0:
            self._held[number] = packet
        due = self._take()
        if len(self._held) > self.DEPTH:
            self._next = min(self._held, key=self._ahead)
            due += self._take()
        return due

    def passes(self, number: int) -> bool:
        """Let a packet pass without taking it, if it is due and none waits.

        Args:
            number: Its sequence number.

        Returns:
            Whether it is due; if not, it is for `put`.
        """
        if number != self._next or self._held:
            return False
        self._next = (number + 1) % _SEQUENCES
        return True

    def go_on(self, number: int) -> None:
        """Go on after packets that have passed elsewhere.

        Args:
            number: The sequence number that is due.
        """
        self._next = number

    def give_up(self) -> list[RtpPacket]:
        """Wait no longer; return the packets that have waited, in order."""
        due = []
        while self._held:
            self._next = min(self._held, key=self._ahead)
            due += self._take()
        return due

    def _ahead(self, number: int) -> int:
        assert self._next is not None  # noqa: S101 -- `put` has seen to it
        return (number - self._next + _SEQUENCES // 2) % _SEQUENCES - _SEQUENCES // 2

    def _take(self) -> list[RtpPacket]:
        due = []
        while self._next in self._held:
            due.append(self._held.pop(self._next))
            self._next = (self._next + 1) % _SEQUENCES
        return due
