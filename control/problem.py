"""Why a command was refused, in the words of RFC 9457."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class ProblemKind(StrEnum):
    """The kinds of refusals; the values are RFC 9457's ``type``."""

    BAD_REQUEST = "bad-request"
    WRONG_PROTOCOL = "wrong-protocol"
    UNKNOWN_COMMAND = "unknown-command"
    UNKNOWN_ACCOUNT = "unknown-account"
    UNKNOWN_CALL = "unknown-call"
    AMBIGUOUS_CALL = "ambiguous-call"
    NOT_POSSIBLE = "not-possible"
    WRONG_ARGUMENT = "wrong-argument"
    INVALID_FILE = "invalid-file"
    TOO_MUCH = "too-much"
    CANCELLED = "cancelled"
    BUG = "bug"
    TIMED_OUT = "timed-out"

    @property
    def status(self) -> int:
        """The status that HTTP has for it."""
        return _WORDS[self][0]

    @property
    def title(self) -> str:  # type: ignore[override] # RFC 9457 calls it so
        """The same sentence for all problems of this kind."""
        return _WORDS[self][1]


_WORDS: Mapping[ProblemKind, tuple[int, str]] = {
    ProblemKind.BAD_REQUEST: (400, "The request can't be read"),
    ProblemKind.WRONG_PROTOCOL: (400, "The request is of another version"),
    ProblemKind.UNKNOWN_COMMAND: (404, "There is no such command"),
    ProblemKind.UNKNOWN_ACCOUNT: (404, "There is no such account"),
    ProblemKind.UNKNOWN_CALL: (404, "There is no such call"),
    ProblemKind.AMBIGUOUS_CALL: (409, "More than one call fits"),
    ProblemKind.NOT_POSSIBLE: (409, "It is not possible now"),
    ProblemKind.WRONG_ARGUMENT: (422, "An argument can't be used"),
    ProblemKind.INVALID_FILE: (422, "The file can't be used"),
    ProblemKind.TOO_MUCH: (429, "It is too much at once"),
    ProblemKind.CANCELLED: (499, "It was cancelled"),
    ProblemKind.BUG: (500, "Callboard failed"),
    ProblemKind.TIMED_OUT: (504, "It took too long"),
}


class Advice(Struct, frozen=True):
    """What to do, where those who ask in different ways do it differently.

    Attributes:
        options: in the words of the command line.
        fields: in those of HTTP: fields of a request, and resources.
    """

    options: str
    fields: str


class AdvisedError(Exception):
    """Something that can't be, and what to do; its message is for the command line.

    Args:
        found: what was found; a whole sentence if there is no advice.
        advice: what to do.

    Attributes:
        found: what was found.
        advice: what to do; None if what was found says so in words for everybody.
    """

    def __init__(self, found: str, advice: Advice | None = None) -> None:
        super().__init__(found if advice is None else f"{found}: {advice.options}")
        self.found = found
        self.advice = advice


class ControlError(AdvisedError):
    """A command was refused.

    Args:
        kind: why.
        found: what was found; a whole sentence if there is no advice.
        advice: what to do.

    Attributes:
        detail: what is told on the control socket, whose client is the command line.
        detail_over_http: what is told over HTTP.
    """

    def __init__(self, kind: ProblemKind, found: str, advice: Advice | None = None) -> None:
        super().__init__(found, advice)
        self.kind = kind
        self.detail = str(self)
        self.detail_over_http = found if advice is None else f"{found}: {advice.fields}"


#: Where it is seen how everything stands.
SEE_STATUS = Advice("see callboard status", "see the list of accounts and their calls")


class NoInstanceError(Exception):
    """There is no instance to talk to, or it does not answer; the message says what to do."""
