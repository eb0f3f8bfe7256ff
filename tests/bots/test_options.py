"""Options are read one by one, and everything that is wrong with them is told at once."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from callboard.bots import Bot, Options, OptionsError, SpokenText, Tone
from callboard.bots.find import BUILT_IN
from callboard.bots.options import OneOf
from callboard.media.hearing import voice_detector
from callboard.media.sources import espeak
from callboard.tests.bots.staged import ACCOUNT
from callboard.tests.media.espeak import needs_espeak

Read = Callable[[Options], Any]

READERS: list[tuple[Read, object, object]] = [
    (lambda o: o.text("x", "-"), "09:00", "09:00"),
    (lambda o: o.flag("x", False), True, True),
    (lambda o: o.seconds("x", 1.0), "1m30s", 90.0),
    (lambda o: o.seconds("x", 1.0), 5, 5.0),
    (lambda o: o.addresses("x", []), "Desk@LOCALHOST", ["desk@localhost"]),
    (lambda o: o.addresses("x", []), ["a@b", "c@d/E"], ["a@b", "c@d/E"]),
    (lambda o: o.digits("x", ""), ",12#a", ",12#A"),
    (lambda o: o.playable("x", "audio", "tone"), "tone:300", "tone:300"),
    (lambda o: o.playable("x", "audio", "tone"), ["tone:90:1s", "tone"], ("tone:90:1s", "tone")),
    (lambda o: o.playable("x", "video", "pattern"), None, None),
    (lambda o: o.playable("x", "video", "pattern"), "none", "none"),
    (lambda o: o.take("x", int, 0), "7", 7),
]
WRONG: list[tuple[Read, object, str]] = [
    (lambda o: o.text("x", "-"), 9, "give text"),
    (lambda o: o.flag("x", False), "yes", "give true or false"),
    (lambda o: o.flag("x", False), 1, "give true or false"),
    (lambda o: o.seconds("x", 1.0), "soon", "give a duration"),
    (lambda o: o.seconds("x", 1.0), True, "give a duration"),
    (lambda o: o.addresses("x", []), 5, "give a JID"),
    (lambda o: o.addresses("x", []), ["a@b", 5], "give a JID"),
    (lambda o: o.addresses("x", []), "a b@c", "can't contain ' '"),
    (lambda o: o.digits("x", ""), 12, "give text, in quotes"),
    (lambda o: o.digits("x", ""), "12x", "'x' in it, which is no key"),
    (lambda o: o.digits("x", ""), ",", "there is no key"),
    (lambda o: o.playable("x", "audio", "tone"), 5, "give the name of a source"),
    (lambda o: o.playable("x", "audio", "tone"), [], "list is empty"),
    (lambda o: o.playable("x", "audio", "tone"), ["tone", None], "give the name of a source"),
    (lambda o: o.playable("x", "audio", "tone"), ["tone", "tone"], "put it last"),
    (lambda o: o.playable("x", "audio", "tone"), {"sya": "Hi"}, "give say, and"),
    (lambda o: o.playable("x", "audio", "tone"), {"say": "Hi", "pitch": 3}, "give say, and"),
    (lambda o: o.playable("x", "audio", "tone"), {"say": 5}, "text is int"),
    (lambda o: o.playable("x", "audio", "tone"), {"say": "Hi", "rate": 1000}, "80 to 450"),
    (lambda o: o.take("x", OneOf(["-", "b"]), "-"), "c", "it is 'c': give - or b"),
    (lambda o: o.playable("x", "audio", "tone"), "nowhere.ogg", "'nowhere.ogg' is not a file"),
    (lambda o: o.playable("x", "audio", "tone"), "pattern", "'pattern' has no audio"),
    (lambda o: o.take("x", int, 0), "seven", "invalid literal"),
    (lambda o: o.take("x", int, 0), None, "int"),
]


@pytest.mark.parametrize(("read", "given", "found"), READERS)
def test_an_option_is_read(tmp_path: Path, read: Read, given: object, found: object) -> None:
    options = Options({"x": given}, tmp_path)
    assert read(options) == found
    options.check()


@pytest.mark.parametrize("read", [read for read, _, _ in (*READERS, *WRONG)])
def test_an_option_that_is_not_there_has_its_default(tmp_path: Path, read: Read) -> None:
    options = Options({}, tmp_path)
    assert read(options) in ("-", "", False, 1.0, [], "tone", "pattern", 0)
    options.check()


#: A default, and what it is for a bot: the same as if the file had it.
DEFAULTS: list[tuple[Read, object]] = [
    (lambda o: o.text("x", None), None),
    (lambda o: o.text("x", ""), ""),
    (lambda o: o.flag("x", None), None),
    (lambda o: o.seconds("x", "1m30s"), 90.0),
    (lambda o: o.seconds("x", 2), 2.0),
    (lambda o: o.seconds("x", None), None),
    (lambda o: o.addresses("x", "Desk@LOCALHOST"), ["desk@localhost"]),
    (lambda o: o.addresses("x", None), None),
    (lambda o: o.digits("x", "12a"), "12A"),
    (lambda o: o.digits("x", ""), ""),
    (lambda o: o.playable("x", "audio", "tone:300"), "tone:300"),
    (lambda o: o.playable("x", "audio", Tone(300)), Tone(300)),
    (lambda o: o.playable("x", "audio", ["tone:90:1s", Tone(300)]), ("tone:90:1s", Tone(300))),
    (lambda o: o.playable("x", "video", "none"), "none"),
]
#: A default that no file could have, and the words for its author.
WRONG_DEFAULTS: list[tuple[Callable[[Any], Any], str]] = [
    (lambda o: o.text("x", 5), "give text"),
    (lambda o: o.text("x", ["a"]), "give text"),
    (lambda o: o.flag("x", "no"), "give true or false"),
    (lambda o: o.flag("x", 0), "give true or false"),
    (lambda o: o.seconds("x", "soon"), "give a duration"),
    (lambda o: o.seconds("x", True), "give a duration"),
    (lambda o: o.seconds("x", ""), "give a duration"),
    (lambda o: o.seconds("x", -1), "give a duration"),
    (lambda o: o.addresses("x", 5), "give a JID"),
    (lambda o: o.addresses("x", ["a b@c"]), "can't contain ' '"),
    (lambda o: o.digits("x", 12), "give text"),
    (lambda o: o.digits("x", "12x"), "which is no key"),
    (lambda o: o.playable("x", "audio", 5), "int can't be played"),
    (lambda o: o.playable("x", "audio", b"tone"), "bytes can't be played"),
    (lambda o: o.playable("x", "audio", Tone), "Tone is a class"),
    (lambda o: o.playable("x", "audio", {"say": "Hello"}), "dict can't be played"),
]
#: A default that can't be played here, and what `check` says of it.
UNPLAYABLE: list[tuple[Callable[[Any], Any], str]] = [
    (lambda o: o.playable("x", "audio", "nowhere.ogg"), "'nowhere.ogg' is not a file"),
    (lambda o: o.playable("x", "audio", ["tone:90:1s", "nowhere.ogg"]), "is not a file"),
    (lambda o: o.playable("x", "audio", "tone:5"), "is no tone"),
    (lambda o: o.playable("x", "audio", "pattern"), "'pattern' has no audio"),
    (lambda o: o.playable("x", "video", "tone"), "'tone' has no video"),
    (lambda o: o.playable("x", "audio", ("tone:90:1s", None)), "there is None in the list"),
    (lambda o: o.playable("x", "audio", "say:"), "give something to say"),
]


@pytest.mark.parametrize(("read", "found"), DEFAULTS)
def test_a_default_is_read_as_the_file_s_value_is(
    tmp_path: Path, read: Read, found: object
) -> None:
    options = Options({}, tmp_path)
    assert read(options) == found
    options.check()


@pytest.mark.parametrize(("read", "words"), WRONG_DEFAULTS)
def test_a_default_of_the_wrong_type_is_its_author_s_fault(
    tmp_path: Path, read: Callable[[Any], Any], words: str
) -> None:
    with pytest.raises(TypeError, match=f"^the default of x can't be used: .*{re.escape(words)}"):
        read(Options({}, tmp_path))


@pytest.mark.parametrize(("read", "words"), UNPLAYABLE)
def test_a_default_that_cannot_be_played_here_is_told(
    tmp_path: Path, read: Callable[[Any], Any], words: str
) -> None:
    options = Options({}, tmp_path)
    read(options)
    with pytest.raises(OptionsError, match=f"^x: it is not given, .*{re.escape(words)}"):
        options.check()
    given = Options({"x": "silence"}, tmp_path)
    assert read(given) == "silence"
    given.check()


@pytest.mark.parametrize(("read", "given", "words"), WRONG)
def test_a_wrong_option_is_told_and_has_its_default(
    tmp_path: Path, read: Read, given: object, words: str
) -> None:
    options = Options({"x": given}, tmp_path)
    assert read(options) == read(Options({}, tmp_path))
    with pytest.raises(OptionsError, match=re.escape(words)) as raised:
        options.check()
    assert [name for name, _ in raised.value.faults] == ["x"]


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    options = Options({"one": 1, "two": "b", "tow": 2, "loud": 4}, tmp_path)
    options.flag("one", False)
    options.text("two", "")
    options.refuse("two", "give a")
    with pytest.raises(OptionsError) as raised:
        options.check()
    assert raised.value.faults == (
        ("one", "give true or false"),
        ("two", "give a"),
        ("tow", "there is no such option: did you mean 'two'?"),
        ("loud", "there is no such option: this bot takes one, two"),
    )
    assert str(raised.value).startswith("one: give true or false; two: give a; tow: there is")


def test_what_raises_without_words_is_told_all_the_same(tmp_path: Path) -> None:
    class MuteError(ValueError):
        def __str__(self) -> str:
            raise ZeroDivisionError

    def read(_: object) -> int:
        raise MuteError

    options = Options({"x": 1}, tmp_path)
    assert options.take("x", read, 5) == 5
    with pytest.raises(OptionsError, match="x: MuteError"):
        options.check()


class Open(Bot):
    """Reads no options."""


class Picky(Bot):
    """Reads one."""

    def read_options(self, options: Options) -> None:
        self.floor = options.take("floor", int, 0)


class Pickier(Picky):
    """Reads one more."""

    def read_options(self, options: Options) -> None:
        super().read_options(options)
        self.quiet = options.flag("quiet", False)


class Lax(Picky):
    """Reads one, and takes any others."""

    def read_options(self, options: Options) -> None:
        super().read_options(options)
        options.take_any()


@pytest.mark.parametrize(
    ("kind", "given", "faults"),
    [
        (Open, {"whatever": 1}, []),
        (Picky, {}, []),
        (Picky, {"floor": "2"}, []),
        (Picky, {"floor": "two", "quiet": True}, ["floor", "quiet"]),
        (Pickier, {"floor": 2, "quiet": True}, []),
        (Pickier, {"quiet": "very", "loud": True}, ["quiet", "loud"]),
        (Lax, {"loud": True}, []),
        (Lax, {"floor": "two", "loud": True}, ["floor"]),
        (BUILT_IN["echo"], {}, []),
        (BUILT_IN["echo"], {"loud": True}, ["loud"]),
        (BUILT_IN["silent"], {"loud": True}, ["loud"]),
        (BUILT_IN["recorder"], {}, []),
        (BUILT_IN["recorder"], {"audio": "tone", "greeting": "tone", "wav": True}, []),
        (BUILT_IN["recorder"], {"direction": "received", "greeting": "tone:90:1s"}, []),
        (BUILT_IN["recorder"], {"greeting": ["tone:90:1s", "tone"], "until": "digit"}, []),
        (BUILT_IN["recorder"], {"direction": "in", "until": "silence"}, ["until", "direction"]),
        (BUILT_IN["recorder"], {"until": "digit"}, ["until"]),
        (BUILT_IN["conference"], {}, []),
        (BUILT_IN["conference"], {"greeting": "tone:90:1s", "record": "mix", "tones": False}, []),
        (BUILT_IN["conference"], {"record": True, "tones": 1}, ["record", "tones"]),
        (BUILT_IN["operator"], {}, []),
        (BUILT_IN["operator"], {"patience": "5s", "to": "a@b", "ringback": "tone"}, []),
        (BUILT_IN["operator"], {"then": "recorder", "options": {"wav": True}}, []),
        (BUILT_IN["operator"], {"then": "recorder", "options": {"wav": 1}}, ["options"]),
        (BUILT_IN["operator"], {"options": {"wav": True}}, ["options"]),
        (BUILT_IN["operator"], {"then": "echo", "options": ["wav"]}, ["options"]),
        (BUILT_IN["operator"], {"then": "caller", "to": ACCOUNT}, ["then", "to"]),
        (BUILT_IN["operator"], {"then": "echo", "to": "a@b"}, ["then"]),
        (BUILT_IN["operator"], {"to": 5}, ["to"]),
        (BUILT_IN["recorder"], {"wav": 1, "greeting": "pattern"}, ["greeting", "wav"]),
        (BUILT_IN["caller"], {"to": "a@b"}, []),
        (BUILT_IN["caller"], {"to": ["a@b"], "every": "1m", "seconds": 5, "record": True}, []),
        (BUILT_IN["caller"], {"to": "a@b", "press": ",1"}, []),
        (BUILT_IN["caller"], {"to": "a@b", "press": 1}, ["press"]),
        (BUILT_IN["caller"], {"to": "a@b", "press": "1", "audio": "none"}, ["press"]),
        (BUILT_IN["caller"], {}, ["to"]),
        (BUILT_IN["caller"], {"to": []}, ["to"]),
        (BUILT_IN["caller"], {"to": None}, ["to"]),
        (BUILT_IN["caller"], {"to": ["a@b", f"{ACCOUNT}/phone"]}, ["to"]),
        (BUILT_IN["caller"], {"to": "a b@c"}, ["to"]),
        (BUILT_IN["caller"], {"to": "a@b", "audio": "none", "video": None}, ["audio"]),
    ],
)
def test_a_bot_reads_its_options_when_it_is_created(
    tmp_path: Path, kind: type[Bot], given: dict[str, Any], faults: list[str]
) -> None:
    if not faults:
        bot = kind(None, ACCOUNT, given, tmp_path)
        assert bot.options is given
        return
    with pytest.raises(OptionsError) as raised:
        kind(None, ACCOUNT, given, tmp_path)
    assert [name for name, _ in raised.value.faults] == faults


def test_what_was_read_is_there_from_the_beginning(tmp_path: Path) -> None:
    assert Picky(None, ACCOUNT, {"floor": "2"}, tmp_path).floor == 2
    bot = Pickier(None, ACCOUNT, {}, tmp_path)
    assert (bot.floor, bot.quiet) == (0, False)


@needs_espeak
@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("say:Hi", "say:Hi"),
        (["say:Hi", "tone:90:1s"], ("say:Hi", "tone:90:1s")),
        ({"say": "Hi"}, SpokenText("Hi")),
        ({"say": "Hi", "voice": "de", "rate": 120}, SpokenText("Hi", "de", 120)),
        ({"say": "Hi", "voice": "xx"}, "espeak-ng has no voice 'xx': give one of"),
    ],
)
def test_an_option_may_be_a_text_to_say(tmp_path: Path, given: object, found: object) -> None:
    options = Options({"x": given}, tmp_path)
    read = options.playable("x", "audio", None)
    if isinstance(found, str) and " has no " in found:
        with pytest.raises(OptionsError, match=found):
            options.check()
        return
    options.check()
    assert read == found


@pytest.mark.parametrize("given", ["say:Hi", {"say": "Hi"}, ["tone:90:1s", "say:Hi"]])
def test_without_espeak_an_option_says_what_to_install(
    tmp_path: Path, given: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(espeak, "PROGRAM", "no-such-program")
    options = Options({"x": given}, tmp_path)
    options.playable("x", "audio", None)
    with pytest.raises(OptionsError, match="x: no-such-program is not installed: install it"):
        options.check()


def test_without_the_extra_speech_an_option_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_detector, "find_spec", lambda _: None)
    voice_detector.check_speech.cache_clear()
    try:
        with pytest.raises(OptionsError, match=r"until: .*pip install 'callboard\[speech\]'"):
            BUILT_IN["recorder"](None, ACCOUNT, {"greeting": "tone", "until": "speech"}, tmp_path)
    finally:
        voice_detector.check_speech.cache_clear()


@pytest.mark.parametrize(
    ("options", "faulty"),
    [
        ({"greeting": "loop:tone:300:1s"}, ["greeting"]),
        ({"greeting": None}, ["until"]),
        ({}, ["until"]),
        ({"greeting": "tone:300:1s"}, []),
    ],
)
def test_a_greeting_that_is_wrong_is_told_once(
    tmp_path: Path, options: dict[str, Any], faulty: list[str]
) -> None:
    given = {"until": "digit", **options}
    found: list[str] = []
    try:
        BUILT_IN["recorder"](None, "desk@localhost", given, tmp_path)
    except OptionsError as error:
        found = [name for name, _ in error.faults]
    assert found == faulty
