"""Checking what a bot's author says, where it is said.

A value of the wrong type raises `TypeError`, one that can't be used `ValueError`, each with a
sentence that names the argument.
"""

import unicodedata
from typing import Literal, TypeVar, get_args

from .. import media
from ..actors.xmpp.stanza import check_text
from ..config.duration import parse_duration
from ..config.jid import bare, normal_jid
from ..jingle import Reason
from ..media import (
    BOTH,
    LONGEST_PRESS,
    SHORTEST,
    Direction,
    Directions,
    Kind,
    check_digits,
)
from .speaking import Synthesizer, Utterance, espeak_ng

T = TypeVar("T")
W = TypeVar("W", bound=str)

#: Octets that a message may have as it is sent; more than this is refused by some servers.
LONGEST_MESSAGE = 60_000
#: Characters that a presence's status may have, as in the YAML file.
LONGEST_STATUS = 1024
#: Octets of one message on a data channel (RFC 8841 §6.1).
LONGEST_DATA = 64 * 1024
SHOWS = ("", "chat", "away", "dnd", "xa")
KINDS: tuple[Kind, ...] = get_args(Kind)
#: What `Call.record` records.
Recorded = Literal["received", "sent", "both"]
DIRECTIONS: tuple[Recorded, ...] = get_args(Recorded)

#: Octets that a character gets besides its own as it is sent: ``&quot;`` has six in all.
_ESCAPED = {"&": 4, "<": 3, ">": 3, '"': 5, "'": 5}
#: What turns the direction of writing around (UAX #9), and could make one text look like another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def address(name: str, value: object) -> str:
    """Return a JID in the form in which JIDs are compared."""
    return normal_jid(_of_type(name, value, str, "a JID like desk@example.org"))


def another(name: str, value: object, own: str, deed: str) -> str:
    """Return the JID of somebody else, in the form in which JIDs are compared.

    Args:
        name: what names it.
        value: a JID.
        own: the account's bare JID.
        deed: what can't be done to oneself.
    """
    peer = address(name, value)
    if bare(peer) == own:
        raise ValueError(f"{name}: {own} can't {deed} itself: give another account")
    return peer


def body(name: str, value: object) -> str:
    """Return the text of a message."""
    text = check_text(_of_type(name, value, str, "text"))
    size = len(text.encode()) + sum(count * text.count(one) for one, count in _ESCAPED.items())
    if size > LONGEST_MESSAGE:
        raise ValueError(
            f"{name} has {size:,} octets, more than {LONGEST_MESSAGE:,}: send several messages"
        )
    return text


def status(name: str, value: object) -> str:
    """Return the words beside a presence."""
    text = check_text(_of_type(name, value, str, "text"))
    if len(text) > LONGEST_STATUS:
        raise ValueError(f"{name} has {len(text):,} characters: give at most {LONGEST_STATUS:,}")
    for character in text:
        is_control = unicodedata.category(character) == "Cc" and character not in "\n\t"
        if is_control or character in _TURNING:
            raise ValueError(f"{name} contains {character!r}: remove it")
    return text


def data(name: str, value: object) -> str | bytes:
    """Return a message for a data channel."""
    if not isinstance(value, str | bytes):
        raise _wrong_type(name, value, "text or bytes")
    try:
        size = len(value.encode() if isinstance(value, str) else value)
    except UnicodeEncodeError as error:
        found = error.object[error.start]
        raise ValueError(
            f"{name} has {found!r} in it, which is not a character: remove it"
        ) from None
    if size > LONGEST_DATA:
        raise ValueError(f"{name} has {size:,} octets: send at most {LONGEST_DATA:,} at a time")
    return value


def one_of(name: str, value: object, words: tuple[W, ...]) -> W:
    """Return one of several words."""
    *most, last = map(repr, words)
    choice = " or ".join(filter(None, (", ".join(most), last)))
    text = _of_type(name, value, str, choice)
    for word in words:
        if word == text:
            return word
    raise ValueError(f"{name} is {text!r}: give {choice}")


def kind(name: str, value: object) -> Kind:
    """Return a kind of media."""
    return one_of(name, value, KINDS)


def directions(name: str, value: object) -> Directions:
    """Return what to record."""
    word = one_of(name, value, DIRECTIONS)
    return BOTH if word == "both" else (Direction(word),)


def reason(name: str, value: object) -> Reason:
    """Return why a call ends; its name will do, too."""
    text = _of_type(name, value, str, "a Reason, like Reason.BUSY")
    try:
        return Reason(text)
    except ValueError:
        known = ", ".join(Reason)
        raise ValueError(f"{name} is {text!r}: give one of {known} (XEP-0166 §7.4)") from None


def show(name: str, value: object) -> str:
    """Return an availability (RFC 6121 §4.7.2.1)."""
    text = _of_type(name, value, str, "one of chat, away, dnd, xa, or ''")
    if text not in SHOWS:
        raise ValueError(f"{name} is {text!r}: give chat, away, dnd, xa, or ''")
    return text


def priority(name: str, value: object) -> int:
    """Return a presence's priority (RFC 6121 §4.7.2.3)."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(name, value, "a whole number")
    if not -128 <= value <= 127:
        raise ValueError(f"{name} is {value}: give a number from -128 to 127")
    return value


def digits(name: str, value: object, *, also: str = ",") -> str:
    """Return keys to press; what ``also`` has may stand between them, as commas that wait."""
    text = _of_type(name, value, str, "keys, like '12#'")
    try:
        return check_digits(text, also=also)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None  # not the text, which may be a PIN


def count(name: str, value: object) -> int:
    """Return how many of something are wanted."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(name, value, "a whole number")
    if value < 1:
        raise ValueError(f"{name} is {value}: give 1 or more")
    return value


def number(name: str, value: object) -> float:
    """Return a number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong_type(name, value, "a number")
    return value


def duration(name: str, value: object) -> float:
    """Return a duration in seconds; text like ``500ms`` will do, too."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise _wrong_type(name, value, "a duration like '500ms' or '2s', or seconds")
    try:
        return parse_duration(value)
    except ValueError as error:
        raise ValueError(f"{name} is {value!r}: {error}") from None


def sound_format(rate: object, layout: object) -> tuple[int, str]:
    """Return a sample rate in Hz and a layout of channels."""
    if isinstance(rate, bool) or not isinstance(rate, int):
        raise _wrong_type("rate", rate, "a whole number of Hz, like 16000")
    text = _of_type("layout", layout, str, "'mono' or 'stereo'")
    media.channels_of(text)
    media.check_rate(rate)
    return rate, text


def waiting(name: str, value: object) -> int:
    """Return how many frames may wait for a reader."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong_type(name, value, "a whole number of frames")
    if not 1 <= value <= 1000:
        raise ValueError(f"{name} is {value}: give 1 to 1000")
    return value


def press_duration(name: str, value: object) -> float:
    """Return for how long a key is pressed, in seconds."""
    found = duration(name, value)
    if not SHORTEST <= found <= LONGEST_PRESS:
        least, most = f"{SHORTEST * 1000:.0f}ms", f"{LONGEST_PRESS:.0f}s"
        raise ValueError(f"{name} is {value!r}: give a duration from {least} to {most}")
    return found


def flag(name: str, value: object) -> bool:
    """Return true or false."""
    return _of_type(name, value, bool, "True or False")


def utterance(text: object, voice: object, rate: object) -> Utterance:
    """Return what is said, by whom, and how fast."""
    from ..media.sources import espeak  # noqa: PLC0415 - encoders come with it

    said = _of_type("text", text, str, "text")
    espeak.check_text(said)
    named = None if voice is None else _of_type("voice", voice, str, "a voice's name, like en-us")
    if named is not None:
        espeak.check_voice(named)
    if rate is None:
        return Utterance(said, named)
    if isinstance(rate, bool) or not isinstance(rate, int):
        raise _wrong_type("rate", rate, "words a minute, like 175")
    espeak.check_rate(rate)
    return Utterance(said, named, rate)


def synthesizer(name: str, value: object) -> Synthesizer:
    """Return what speaks: espeak-ng, if nothing else is given."""
    if value is None:
        return espeak_ng()
    return _of_type(name, value, Synthesizer, "a Synthesizer(function, rate=…)")


def times(name: str, value: object) -> int | None:
    """Return how often something is played: None for ever."""
    if isinstance(value, bool):
        return None if value else 1
    if not isinstance(value, int):
        raise _wrong_type(name, value, "True, False or a whole number")
    if not 1 <= value <= 1_000_000:
        raise ValueError(f"{name} is {value}: give True, False or a number from 1 to 1,000,000")
    return value


def _of_type(name: str, value: object, wanted: type[T], words: str) -> T:
    if not isinstance(value, wanted):
        raise _wrong_type(name, value, words)
    return value


def _wrong_type(name: str, value: object, words: str) -> TypeError:
    return TypeError(f"{name} is {type(value).__name__}: give {words}")
