"""The steps of logins and calls, in their order, and how long each took."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

LOGIN_STEPS: Mapping[str, str] = {
    "tcp": "TCP connected",
    "tls": "TLS secured",
    "sasl": "authenticated (SASL)",
    "bind": "resource bound",
    "roster": "roster received",
    "presence": "presence announced",
}
"""The steps of a login, each with what it means."""

CALL_STEPS: Mapping[str, str] = {
    "propose": "proposed by message (XEP-0353)",
    "ringing": "the other side rings",
    "proceed": "the other side takes the call",
    "initiate": "offer sent (session-initiate)",
    "accept": "answer received (session-accept)",
    "ice": "connected (ICE)",
    "dtls": "secured (DTLS-SRTP)",
    "first-audio": "first audio heard",
    "first-video": "first video seen",
}
"""The steps of a call, each with what it means, as the caller sees them."""


def new_steps(
    named: Iterable[str],
    steps: Mapping[str, float],
    known: Mapping[str, float] = MappingProxyType({}),
) -> Iterator[tuple[str, float]]:
    """Give the steps that were taken since the last look, with the seconds since the step before.

    Args:
        named: the steps that count.
        steps: step → seconds since the beginning, for each step that was taken.
        known: the same, at the last look.
    """
    before = 0.0
    for at, step in sorted((steps[step], step) for step in named if step in steps):
        if step not in known:
            yield step, at - before
        before = at
