"""Why a call ended as it did, in a sentence that says where to look."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

#: Seconds of connected media before it says something that none came.
_PATIENCE = 1.0
#: Addresses that a sentence names of each side.
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class End:
    """What is known of a call that is over.

    Attributes:
        direction: in or out.
        state: what became of it, as its detail record has it.
        reason: why it ended (XEP-0166 §7.4).
        text: a sentence of whoever ended it, or "".
        ours: whether we ended it.
        steps: step → seconds since the call began.
        seconds: how long it took.
        expected: the kinds of media that the peer had agreed to send.
        failed_at: how far its media had come when they failed, if they did.
        own, theirs: our candidates and the peer's at that moment, as ``host 192.0.2.1:3478``.
        bounced: the condition with which the proposal came back; "" if it did not.
    """

    direction: Literal["in", "out"]
    state: str
    reason: str
    text: str
    ours: bool
    steps: Mapping[str, float]
    seconds: float
    expected: tuple[str, ...] = ()
    failed_at: Literal["", "ice", "dtls", "media"] = ""
    own: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    bounced: str = ""

    @property
    def connected(self) -> bool:
        """Whether media could flow."""
        return "dtls" in self.steps

    @property
    def said(self) -> str:
        """The reason, with the sentence where there is one."""
        return f"{self.reason}: {self.text}" if self.text else self.reason

    def since(self, *steps: str) -> str:
        """Return for how long the call has gone on since the last of some steps was taken."""
        taken = [self.steps[step] for step in steps if step in self.steps]
        return duration(max(0.0, self.seconds - max(taken, default=0.0)))


def duration(seconds: float) -> str:
    """Write a duration for a person."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def cause(end: End) -> str:
    """Say why a call ended as it did.

    Args:
        end: what is known of it.
    """
    if end.state == "completed":
        return _completed(end)
    return _CAUSES.get(end.reason, _otherwise)(end)


def _completed(end: End) -> str:
    if end.seconds - end.steps.get("dtls", end.seconds) < _PATIENCE:
        missing = []
    else:
        missing = [kind for kind in end.expected if f"first-{kind}" not in end.steps]
    if missing:
        return (
            f"Media never came: ICE and DTLS were done, but in {end.since('dtls')} the peer sent "
            f"no {' and no '.join(missing)}. See what its client sends, and whether it was held."
        )
    who = "we hung up" if end.ours else "the peer hung up"
    why = "" if end.reason == "success" else f" ({end.reason})"
    return f"Completed: media could flow for {end.since('dtls')}; {who}{why}.{_more(end)}"


def _no_way(end: End) -> str:
    if end.bounced:
        return (
            f"Not delivered: a server answered the proposal with {end.bounced}. Check the peer's "
            "address, and whether our server reaches the peer's."
        )
    if end.connected:
        return (
            f"Contact lost: media had a way for {end.since('dtls')}, and then the peer could not "
            "be reached any more. See its network."
        )
    if end.failed_at != "ice":
        return _otherwise(end)
    theirs = "the peer named none" if not end.theirs else f"the peer's {_named(end.theirs)}"
    return (
        f"No route: ICE tried for {end.since('accept')} and no pair of addresses let packets "
        f"through. Ours were {_named(end.own)}; {theirs}. Check firewalls and media.addresses, or "
        "give a TURN server."
    )


def _insecure(end: End) -> str:
    if end.ours:
        return (
            "Wrong fingerprint: the certificate of the DTLS handshake is not the one that the peer "
            "announced in its stanza. Its client is at fault, or somebody stands between."
        )
    return (
        f"The peer ended the call with {end.said}. It did not accept our certificate or our stanza."
    )


def _transport(end: End) -> str:
    if end.failed_at == "dtls":
        return f"DTLS failed: ICE found a way, but then: {_sentence(end.text)}"
    return _otherwise(end)


def _busy(end: End) -> str:
    if end.ours:
        return f"Busy: we refused it: {_sentence(end.text or 'too many calls at once')}"
    return "Busy: the peer refused the call, as it is in another one."


def _late(end: End) -> str:
    if not end.ours:
        return f"Never accepted: the peer gave up after {duration(end.seconds)} ({end.said})."
    if end.direction == "in":
        if "proceed" in end.steps:
            return (
                f"Never offered: we took the call, and the peer sent no session-initiate in "
                f"{end.since('proceed')}."
            )
        return (
            f"Never accepted: it rang here for {end.since('ringing')}, and the bot did not answer."
        )
    if "proceed" in end.steps:
        return (
            f"Never accepted: a device took the call, but sent no session-accept in "
            f"{end.since('proceed', 'initiate')}."
        )
    if "ringing" in end.steps:
        return (
            f"Never accepted: the peer rang for {end.since('ringing')}, and nobody took the call."
        )
    return (
        f"Never accepted: no device of the peer rang or answered in {duration(end.seconds)}. See "
        "whether one is online that can take calls."
    )


def _declined(end: End) -> str:
    return f"Declined: {'we' if end.ours else 'the peer'} refused the call.{_more(end)}"


def _cancelled(end: End) -> str:
    if end.text.startswith("answered on another"):
        return f"Taken elsewhere: the call was {_sentence(end.text)}"
    if end.ours == (end.direction == "out"):
        who = "we" if end.ours else "the caller"
        after = duration(end.seconds)
        return f"Cancelled: {who} hung up after {after}, before it connected.{_more(end)}"
    return f"Cancelled{_by(end)} before it connected.{_more(end)}"


def _expired(end: End) -> str:
    return f"Given up for another call: {_sentence(end.text or 'both called at once')}"


def _incompatible(end: End) -> str:
    return f"Nothing in common: {_sentence(end.text or end.reason)}"


def _otherwise(end: End) -> str:
    how_far = next((words for step, words in _PROGRESS if step in end.steps), "at its beginning")
    return f"Ended{_by(end)} {how_far}: {_sentence(end.said)}"


def _by(end: End) -> str:
    return " by us" if end.ours else " by the peer"


def _more(end: End) -> str:
    if not end.text.strip():
        return ""
    words = _sentence(end.text)
    first = words.split(maxsplit=1)[0].rstrip(",.!?")
    # A name, an address or a code is left as it is.
    return f" {words[0].upper()}{words[1:]}" if first.isalpha() else f" {words}"


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", '"')) else f"{text}."


def _named(candidates: tuple[str, ...]) -> str:
    if not candidates:
        return "none"
    shown = ", ".join(candidates[:_MOST_NAMED])
    rest = len(candidates) - _MOST_NAMED
    return f"{shown} and {rest} more" if rest > 0 else shown


_PROGRESS = (
    ("dtls", "after media could flow"),
    ("ice", "after ICE and before DTLS was done"),
    ("accept", "while ICE looked for a way"),
    ("initiate", "before the session was accepted"),
    ("proceed", "before the session was offered"),
    ("ringing", "while it rang"),
)
_CAUSES: Mapping[str, Callable[[End], str]] = {
    "busy": _busy,
    "cancel": _cancelled,
    "connectivity-error": _no_way,
    "decline": _declined,
    "expired": _expired,
    "failed-transport": _transport,
    "incompatible-parameters": _incompatible,
    "security-error": _insecure,
    "timeout": _late,
    "unsupported-applications": _incompatible,
    "unsupported-transports": _incompatible,
}
