"""Every argument of every public method of a bot's: what is wrong is refused where it is said."""

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from callboard.actors import AsyncioFuture
from callboard.actors.messages.account import Invitation
from callboard.actors.messages.exchange import CallStatus
from callboard.actors.xmpp.contact import Contact
from callboard.bots import (
    Address,
    Bot,
    Call,
    ClockPattern,
    FileSource,
    Invite,
    Message,
    Presence,
    Silence,
    Speaks,
    SpokenText,
    Tone,
)
from callboard.tests.conftest import Run

OWN, PEER = "own@localhost", "desk@localhost"


class Nobody:
    """An actor that must never hear of it."""

    def __getattr__(self, name: str) -> Any:
        def use(*given: Any, **named: Any) -> NoReturn:
            raise AssertionError(f"{name} was called with a wrong argument: {given} {named}")

        return use


#: Values of another type, and for each argument values that can't be used.
TYPES = [None, 5, 5.5, float("nan"), b"octets", ["text"], {}, object()]
ADDRESSES = ["", "not a jid", "@localhost", "a@", "a@b/", "a@b c", "x" * 4000, "a@b\n", "\ud800@b"]
TEXTS = [
    "\0",
    "\x1b[31m",
    "\ud800",
    "\ufffe",
    "x" * 300_000,
    "&" * 20_000,
    '"' * 10_001,
    "'" * 10_001,
    "ü" * 40_000,
]
SOURCES = ["", "nowhere.ogg", "tone:0", "tone:-1", "tone:nan", "tone:99999999999", "tone:4.5", "."]
SOURCES += ["x" * 5000, "a\0b", "/", "TONE"]
#: A list is played in turn, so what is wrong in one is a value.
NO_SOURCES = [one for one in TYPES if one is not None and one != ["text"]]
FLAGS = ["yes", "", "False", 0, 1]
KINDS = ["", "smell", "AUDIO", "audio ", "video\0"]
NO_TIMES = [True, None, b"1s", ["1s"], {}, object()]
REASONS = ["", "because", "SUCCESS", "busy ", "x" * 5000]
DURATIONS = ["", "soon", "-1s", "5 s", -1, float("nan"), float("inf"), 10**9, "x" * 5000]
BAD: dict[str, tuple[list[Any], list[Any]]] = {
    "to": (TYPES, ADDRESSES),
    "body": (TYPES, TEXTS),
    "audio": (NO_SOURCES, [*SOURCES, "pattern", ["text"], [None], ["none"]]),
    "video": (NO_SOURCES, [*SOURCES, "tone", ["text"]]),
    "playable": (NO_SOURCES, [*SOURCES, ["text"], [None], ["none"]]),
    "record": (TYPES + FLAGS, []),
    "data": (TYPES + FLAGS, []),
    "message": ([one for one in TYPES + FLAGS if one is not None], []),
    "wav": (TYPES + FLAGS, []),
    "on": (TYPES + FLAGS, []),
    "kind": (TYPES, KINDS),
    "direction": (TYPES, ["", "in", "SENT", "sent ", "all"]),
    "reason": (TYPES, REASONS),
    "show": ([5, b"", []], ["here", "Chat", "x" * 5000, "\0"]),
    "status": ([5, b"", []], ["\0", "\x07", "\x9b31m", "\u202e", "\ud800", "x" * 5000]),
    "rate": ([True, *(one for one in TYPES if one != 5)], [0, 5, 7999, 16001, 96_000, 10**30]),
    "limit": ([5.5, "4", True, None, b"", []], [0, -1, 1001, 10**30]),
    "layout": (TYPES, ["", "Mono", "5.1", "x" * 5000]),
    "threshold": ([True, None, "1", b"1", []], [0, 1, -1, float("nan"), 10**30]),
    "min_speech": (NO_TIMES, ["", "soon", "6s", -1, float("nan"), 10**30]),
    "min_silence": (NO_TIMES, ["", "soon", "0s", "11s", -1, float("nan"), 10**30]),
    "pre_roll": (NO_TIMES, ["", "soon", "6s", -1, float("nan"), 10**30]),
    "longest": (NO_TIMES, ["", "soon", "0s", "1h", -1, float("nan"), 10**30]),
    "digits": (TYPES, ["", ",", "e", "1 2", "+49", "ß", "\0", "\ud800", "٣"]),
    "duration": (NO_TIMES, [*DURATIONS, 0, "0s", "39ms", 61, "2m"]),
    "count": ([5.5, "4", True, b"", []], [0, -1]),
    "end": ([one for one in TYPES if one is not None], ["", "e", " ", "+", "\ud800"]),
    "timeout": ([one for one in NO_TIMES if one is not None], DURATIONS),
    "fresh": (TYPES + FLAGS, []),
    "other": ([*TYPES, "sid"], []),
    "like": ([*(one for one in TYPES if one is not None), "sid"], []),
    "on_hangup": (TYPES, ["", "BOTH", "none"]),
    "format": (TYPES, ["", "JPEG", "gif", "x" * 5000]),
    "play": (NO_SOURCES, [*SOURCES, ["text"]]),
    "meanwhile": (NO_SOURCES, [*SOURCES, ["text"]]),
    "wait": (TYPES + FLAGS, []),
    "until": ([5, 5.5, b"", ["speech"], {}, object()], ["", "Speech", "key"]),
    "loop": ([None, 5.5, "4", b"", [], {}], [0, -1, 10**7]),
    "text": (TYPES, ["", "\0", "x" * 10_001]),
    "voice": ([one for one in TYPES if one is not None], ["", "a b", "--x", "\0"]),
    "synthesizer": ([5, "espeak", b"octets", ["text"], object()], []),
    "priority": (["5", 5.0, float("nan"), True, []], [-129, 128, 10**30]),
}
#: Where the same name means something else.
BAD["Call.say.rate"] = ([True, 5.5, "fast", b"", []], [0, 79, 451, 10**30])
BAD["Call.send.data"] = ([None, 5, 5.5, [], {}], ["x" * 65_537, b"x" * 65_537, "\ud800"])
BAD["Bot.invite.video"] = (TYPES + FLAGS, [])
#: What is given for arguments that must be given.
GOOD = {
    "to": PEER,
    "body": "text",
    "text": "text",
    "playable": "tone",
    "kind": "audio",
    "data": "text",
    "digits": "12#",
}


def a_call(folder: Path) -> Call:
    nobody: Any = Nobody()
    return Call(nobody, CallStatus("sid", PEER, PEER, "in", "ringing", ()), AsyncioFuture(), folder)


def handles(folder: Path) -> Iterator[Any]:
    """One of each class that a bot's author calls methods of."""
    nobody: Any = Nobody()
    yield Bot(nobody, OWN, {}, folder)
    yield a_call(folder)
    yield Message(Address(PEER), "text", nobody)
    yield Invite(Invitation(PEER, "id", "sid", PEER, audio=True, video=False), nobody, folder)
    yield Presence(Contact(PEER, "", "both", {}))


def arguments(handle: Any, folder: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each argument of each public method, with what else has to be given."""
    good = {**GOOD, "other": a_call(folder)}
    for name, method in inspect.getmembers(handle, inspect.ismethod):
        if (
            name.startswith(("_", "on_"))
            or name == "read_options"
            or inspect.isclass(method.__self__)
        ):
            continue
        parameters = inspect.signature(method).parameters
        for parameter in parameters.values():
            needed = {
                one.name: good[one.name]
                for one in parameters.values()
                if one.default is one.empty and one is not parameter
            }
            yield name, parameter.name, needed


def cases(folder: Path) -> Iterator[tuple[Any, str, dict[str, Any], type[Exception]]]:
    """Each bad value of each argument, and what it has to raise."""
    for handle in handles(folder):
        for method, argument, needed in arguments(handle, folder):
            full = f"{type(handle).__name__}.{method}.{argument}"
            types, values = BAD.get(full) or BAD[argument]
            for error, bad in ((TypeError, types), (ValueError, values)):
                for value in bad:
                    yield handle, method, {**needed, argument: value}, error


async def said(method: Callable[..., Any], given: dict[str, Any]) -> None:
    """Call a method, which may be a coroutine."""
    result = method(**given)
    if inspect.isawaitable(result):
        await result


def test_what_is_wrong_is_refused_where_it_is_said(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        count = 0
        for handle, method, given, error in cases(tmp_path):
            with pytest.raises(error, match=r"\w+"):
                await said(getattr(handle, method), given)
            count += 1
        assert count > 400

    run(main)


BAD_SOURCES: list[tuple[Callable[..., Any], list[Any], list[Any]]] = [
    (Tone, ["a", None, 440.5, float("nan"), True, b"", []], [0, -1, 10**9]),
    (lambda v: Tone(level=v), ["a", None, True, []], [-1, 2, float("nan"), 10**9]),
    (lambda v: Tone(seconds=v), ["a", True, []], [-1, 0, float("nan"), 10**9]),
    (SpokenText, [5, None, b"a", []], ["", " ", "a\0b", "x" * 10_001]),
    (lambda v: SpokenText("a", voice=v), [5, b"a", []], ["", "-w", "en us", "x" * 65]),
    (lambda v: SpokenText("a", rate=v), ["a", 175.0, True, []], [0, 79, 451]),
    (Silence, ["a", None, 5.5, True, []], [0, -2, 3, 10**9]),
    (lambda v: Silence(height=v), ["a", None, 5.5, True, []], [0, -2, 3, 10**9]),
    (ClockPattern, ["a", None, 200.0, True, []], [0, -2, 161, 10**9]),
    (lambda v: ClockPattern(height=v), ["a", None, 200.0, True, []], [0, -2, 161, 10**9]),
    (lambda v: ClockPattern(fps=v), ["a", None, 5.5, True, []], [0, -2, 31]),
    (FileSource, [5, None, b"a.ogg", True, []], ["", "nope", "/", "a\0b"]),
    (lambda v: FileSource(Path(__file__), loop=v), ["a", None, 0, 1, []], []),
]


def test_a_source_is_made_of_nothing_that_it_cannot_play() -> None:
    for make, types, values in BAD_SOURCES:
        for error, bad in ((TypeError, types), (ValueError, values)):
            for value in bad:
                with pytest.raises(
                    error, match=r"is \w+: give|outside|can't be|is -?\d+: give|^voice is|^text "
                ):
                    make(value)


def test_what_is_right_is_taken(run: Run, tmp_path: Path) -> None:
    """So that the table above does not hold because everything is refused."""

    class Ears:
        def __init__(self) -> None:
            self.told: list[Any] = []

        def is_alive(self) -> bool:
            return True

        def tell(self, message: Any) -> None:
            self.told.append(message)

        post = tell

        async def request(self, message: Any, timeout: float) -> Any:
            self.told.append(message)

    async def main() -> None:
        ears: Any = Ears()
        bot = Bot(ears, OWN, {}, tmp_path)
        call = Call(
            ears, CallStatus("sid", PEER, PEER, "in", "ringing", ()), AsyncioFuture(), tmp_path
        )
        await bot.send("Desk@LOCALHOST", "x" * 60_000)
        await bot.set_presence("dnd", "👩‍💻 here\n", -128)
        await bot.invite(PEER, video=True)
        await call.record("sent", wav=True)
        await call.mute("video", False)
        await call.hold()
        await call.send(b"x" * 65_536)
        await call.hangup("busy")  # type: ignore[arg-type] # a name will do
        await Message(Address(PEER), "text", ears).reply("")
        assert len(ears.told) == 9
        assert ears.told[0].to == PEER

    run(main)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, value)
        for name in ("threshold", "min_speech")
        for values in BAD[name]
        for value in values
    ],
)
def test_what_counts_as_speech_is_refused_where_it_is_said(name: str, value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=name):
        Speaks(**{name: value})
