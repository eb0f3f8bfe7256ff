"""Who started a session (XEP-0166 §7.1), and who sends media in it (§7.3)."""

from enum import StrEnum


class Role(StrEnum):
    """A party's part in the session, also the ``creator`` of a content."""

    INITIATOR = "initiator"
    RESPONDER = "responder"

    @property
    def other(self) -> "Role":
        """The part of the other party."""
        return Role.RESPONDER if self is Role.INITIATOR else Role.INITIATOR


class Senders(StrEnum):
    """Which parties send a content's media (XEP-0166 §7.3, ``senders``).

    SDP gives a direction as the *writer* sees it; ``senders`` names the roles. So the initiator's
    ``sendonly`` is ``initiator`` and the responder's is ``responder``.
    """

    BOTH = "both"
    INITIATOR = "initiator"
    RESPONDER = "responder"
    NONE = "none"

    @classmethod
    def from_direction(cls, direction: str, writer: Role) -> "Senders":
        """Read an SDP direction (RFC 8866 §6.7).

        Args:
            direction: sendrecv, sendonly, recvonly or inactive.
            writer: Who wrote the SDP.

        Raises:
            KeyError: For any other word.
        """
        return {
            "sendrecv": cls.BOTH,
            "sendonly": cls(writer),
            "recvonly": cls(writer.other),
            "inactive": cls.NONE,
        }[direction]

    def to_direction(self, writer: Role) -> str:
        """Return the SDP direction, as ``writer`` sees it (RFC 8866 §6.7)."""
        if self is Senders.BOTH:
            return "sendrecv"
        if self is Senders.NONE:
            return "inactive"
        return "sendonly" if self.value == writer.value else "recvonly"

    def with_party(self, role: Role, sends: bool) -> "Senders":
        """Return the same where one party sends or does not, and the other as before."""
        parties = _PARTIES[self] | {role} if sends else _PARTIES[self] - {role}
        return next(each for each, who in _PARTIES.items() if who == parties)

    def __and__(self, other: "Senders") -> "Senders":
        """Who may send when two parties say it (RFC 3264 §6.1)."""
        parties = _PARTIES[self] & _PARTIES[other]
        return next(each for each, who in _PARTIES.items() if who == parties)


_PARTIES = {
    Senders.BOTH: frozenset(Role),
    Senders.INITIATOR: frozenset({Role.INITIATOR}),
    Senders.RESPONDER: frozenset({Role.RESPONDER}),
    Senders.NONE: frozenset[Role](),
}
