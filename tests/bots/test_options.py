"""Options are read one by one, and everything that is wrong with them is told at once."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from callboard.bots import Bot, Options, OptionsError
from callboard.bots.find import BUILT_IN
from callboard.tests.bots.staged import ACCOUNT

Read = Callable[[Options], Any]

READERS: list[tuple[Read, object, object]] = [
    (lambda o: o.text("x", "-"), "09:00", "09:00"),
    (lambda o: o.flag("x", False), True, True),
    (lambda o: o.seconds("x", 1.0), "1m30s", 90.0),
    (lambda o: o.seconds("x", 1.0), 5, 5.0),
    (lambda o: o.addresses("x", []), "Desk@LOCALHOST", ["desk@localhost"]),
    (lambda o: o.addresses("x", []), ["a@b", "c@d/E"], ["a@b", "c@d/E"]),
    (lambda o: o.digits("x", "-"), ",12#a", ",12#A"),
    (lambda o: o.playable("x", "audio", "tone"), "tone:300", "tone:300"),
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
    (lambda o: o.digits("x", "-"), 12, "give text, in quotes"),
    (lambda o: o.digits("x", "-"), "12x", "'X' in it, which is no key"),
    (lambda o: o.digits("x", "-"), ",", "there is no key"),
    (lambda o: o.playable("x", "audio", "tone"), 5, "give the name of a source"),
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
    assert read(options) in ("-", False, 1.0, [], "tone", "pattern", 0)
    options.check()


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
