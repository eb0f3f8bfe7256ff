"""Answers that can be told before they are made, as such an offer was answered before.

What aiortc makes of a first offer depends on its codecs, extensions and names, and on what we want
to send. For one client those are the same in each call. What differs, such as addresses, keys and
SSRCs, is a call's own and stands in lines of its own.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from ..loop_wide import LoopWide
from .session_description import SessionDescription

_OWN = (
    *("c=", "a=candidate:", "a=end-of-candidates", "a=ice-ufrag:", "a=ice-pwd:"),
    *("a=fingerprint:", "a=ssrc:", "a=msid:"),
)
"""How lines begin that are a call's own: its transport's and its streams'."""

_OFFER_OWN = (*_OWN, "o=", "a=rtcp:", "a=ssrc-group:")


class KnownAnswers(LoopWide):
    """Remembers how offers were answered, without what was a call's own."""

    MOST = 64
    """Answers that are kept; the one that was not needed for the longest time goes first."""

    LONGEST = 8192
    """Characters of an answer that is kept; Chromium's to a call with sound has 2,000."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, list[str]] = OrderedDict()

    def find(self, question: bytes, own: Sequence[str]) -> str | None:
        """Return what will be answered; None if that is not known.

        Args:
            question: See `question`.
            own: The lines of the answer's one section that are this call's own.
        """
        known = self._known.get(question)
        if known is None:
            return None
        self._known.move_to_end(question)
        return _filled(known, own)

    def learn(self, question: bytes, own: Sequence[str], answer: str) -> None:
        """Remember an answer, if it is one that can be told again.

        Args:
            question: See `question`.
            own: The lines of its one section that are this call's own.
            answer: The whole answer.
        """
        kept = _emptied(answer)
        if len(answer) > self.LONGEST or not is_same(_filled(kept, own), answer):
            return
        self._known[question] = kept
        if len(self._known) > self.MOST:
            self._known.popitem(last=False)

    def forget(self, question: bytes) -> None:
        """Forget an answer, as another one was made."""
        self._known.pop(question, None)


def question(offer: SessionDescription, *wishes: str) -> bytes:
    """Return what an answer depends on, in a few octets.

    Args:
        offer: An offer with one section.
        wishes: What is wanted of the answer.
    """
    lines = [*offer.session, *(line for section in offer.sections for line in section.lines)]
    asked = [_at_port(line, "9") for line in lines if not line.startswith(_OFFER_OWN)]
    text = "\n".join([*asked, "", *wishes])
    return hashlib.blake2b(text.encode(errors="surrogatepass")).digest()


def is_same(one: str, other: str) -> bool:
    """Tell whether two answers say the same, whenever they were made (RFC 8866 §5.2)."""
    return _timeless(one) == _timeless(other)


def _timeless(answer: str) -> list[str]:
    return [line for line in answer.splitlines() if not line.startswith("o=")]


def _emptied(answer: str) -> list[str]:
    """Leave a place in an answer for lines of each beginning that are a call's own."""
    kept: list[str] = []
    for line in answer.splitlines():
        begin = next((each for each in _OWN if line.startswith(each)), None)
        if begin is None:
            kept.append(line)
        elif begin not in kept:
            kept.append(begin)
    return kept


def _filled(kept: Sequence[str], own: Sequence[str]) -> str:
    port = own[0].split(" ")[1]
    lines: list[str] = []
    for line in kept:
        if line in _OWN:
            lines += [each for each in own if each.startswith(line)]
        else:
            lines.append(_at_port(line, port))
    return "\r\n".join(lines) + "\r\n"


def _at_port(line: str, port: str) -> str:
    """Return a line; an m-line that is not refused gets another port."""
    if not line.startswith("m="):
        return line
    fields = line.split(" ")
    if len(fields) > 1 and fields[1] != "0":
        fields[1] = port
    return " ".join(fields)
