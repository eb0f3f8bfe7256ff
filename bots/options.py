"""Reading the ``options:`` that an account has for its bot."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from .. import media
from ..config.duration import parse_duration
from ..config.error_sentence import describe
from ..config.jid import normal_jid
from ..config.near_miss import near_miss
from ..media import Kind, check_digits, is_async, shown
from .address import Address
from .source import Playable, source

T = TypeVar("T")
D = TypeVar("D")
W = TypeVar("W", bound=str)
MaybeText = TypeVar("MaybeText", bound=str | None)
MaybeFlag = TypeVar("MaybeFlag", bound=bool | None)

#: What is sent where nothing is.
NOTHING = (None, "none")
#: Defaults that can always be played. To look at another one loads the encoders.
_LIGHT: Mapping[Kind, tuple[str, ...]] = {
    "audio": ("none", "silence", "tone", "echo"),
    "video": ("none", "silence", "pattern", "echo"),
}


class OptionsError(ValueError):
    """Options can't be used.

    Args:
        faults: the option's name and a sentence, for each that is wrong.
    """

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{name}: {sentence}" for name, sentence in self.faults))


class Options:
    """The options of one account, which `Bot.read_options` reads one by one.

    Nothing is raised while they are read: a value that can't be used is noted, and its default
    returned. Once `Bot.read_options` has returned, every fault is reported at once, with those of
    options that were given but never read.
    """

    def __init__(self, given: Mapping[str, Any], folder: Path) -> None:
        """Make a reader; bots are given theirs.

        Args:
            given: what the YAML file has.
            folder: the YAML file's folder.
        """
        self._given = given
        self._folder = folder
        self._known: list[str] = []
        self._faults: list[tuple[str, str]] = []
        self._takes_any = False

    def text(self, name: str, default: MaybeText) -> str | MaybeText:
        """Return an option that is text.

        Args:
            name: the option's name.
            default: what it is if the file does not have it: text, or None.

        Raises:
            TypeError: the default is neither.
        """
        found: str | MaybeText = self._read(name, as_text, default)
        return found

    def flag(self, name: str, default: MaybeFlag) -> bool | MaybeFlag:
        """Return an option that is true or false.

        Args:
            name: the option's name.
            default: what it is if the file does not have it: True, False or None.

        Raises:
            TypeError: the default is neither.
        """
        found: bool | MaybeFlag = self._read(name, as_flag, default)
        return found

    @overload
    def seconds(self, name: str, default: float | str) -> float: ...
    @overload
    def seconds(self, name: str, default: None) -> float | None: ...
    def seconds(self, name: str, default: float | str | None) -> float | None:
        """Return a duration in seconds; the file may say ``500ms``, ``10s``, ``1m30s`` or ``10``.

        Args:
            name: the option's name.
            default: what it is if the file does not have it: a duration as the file may say it, or
                None.

        Raises:
            TypeError: the default is neither.
        """
        found: float | None = self._read(name, parse_duration, default)
        return found

    @overload
    def addresses(self, name: str, default: str | list[str]) -> list[Address]: ...
    @overload
    def addresses(self, name: str, default: None) -> list[Address] | None: ...
    def addresses(self, name: str, default: str | list[str] | None) -> list[Address] | None:
        """Return a list of JIDs; the file may have a single one.

        Args:
            name: the option's name.
            default: what it is if the file does not have it: a JID, a list of them, or None.

        Raises:
            TypeError: the default is neither.
        """
        found: list[Address] | None = self._read(name, as_addresses, default)
        return found

    def digits(self, name: str, default: MaybeText) -> str | MaybeText:
        """Return keys to press, as `Call.press` takes them: ``12#``, with commas that wait.

        Args:
            name: the option's name.
            default: what it is if the file does not have it: keys, "" for none, or None.

        Raises:
            TypeError: the default is neither.
        """
        if default == "":
            return self.take(name, as_digits, default)
        found: str | MaybeText = self._read(name, as_digits, default)
        return found

    def playable(self, name: str, kind: Kind, default: Playable) -> Playable:
        """Return something to play, once it is known that it can be played.

        It is what `Call.play` takes: the name of a source, a file's path, or several of these in a
        list. The file may also have a text to say, as ``{say: TEXT, voice: NAME, rate: NUMBER}``.

        Args:
            name: the option's name.
            kind: what it must have: audio or video.
            default: what it is if the file does not have it: the same, a source, or None. Where it
                is a file or a text, that it can't be played is a fault of the option.

        Raises:
            TypeError: the default is nothing that can be played.
        """
        read = partial(as_playable, folder=self._folder, kind=kind)
        if name not in self._given:
            default = self._playable_default(name, kind, default)
        return self.take(name, read, default)

    def _playable_default(self, name: str, kind: Kind, default: Playable) -> Playable:
        found = tuple(default) if isinstance(default, list) else default
        if found is None or (isinstance(found, str) and found in _LIGHT[kind]):
            return found
        items = found if isinstance(found, tuple) else (found,)
        is_named = all(isinstance(each, str | Path) for each in items)
        try:
            (_check_source if is_named else source)(found, self._folder, kind)
        except TypeError as error:
            raise TypeError(f"the default of {name} can't be used: {error}") from None
        except ValueError as error:
            self._faults.append((name, f"it is not given, and its default: {shown(error, str)}"))
        return found

    def _read(self, name: str, read: Callable[[Any], T], default: Any) -> Any:
        """Take an option whose default is read as the file's value is."""
        if default is not None:
            try:
                default = read(default)
            except ValueError as error:
                raise TypeError(f"the default of {name} can't be used: {error}") from None
        return self.take(name, read, default)

    def take(self, name: str, read: Callable[[Any], T], default: D) -> T | D:
        """Return an option that a function of yours reads.

        Args:
            name: the option's name.
            read: returns what the option's value means, or raises a `ValueError` or `TypeError`
                with a sentence that says what to write.
            default: what the option is if the file does not have it, or has it wrong.

        Raises:
            TypeError: the function is async.
        """
        if is_async(read):
            raise TypeError(
                f"what reads {name} is async, so it would never run: begin it with 'def'"
            )
        self._known.append(name)
        if name not in self._given:
            return default
        try:
            return read(self._given[name])
        except (ValueError, TypeError) as error:
            self._faults.append((name, shown(error, str)))
            return default

    def refuse(self, name: str, sentence: str) -> None:
        """Report a fault that only shows when several options are seen together.

        Args:
            name: the option that is to be changed.
            sentence: what is wrong with it, and what to write.
        """
        self._faults.append((name, sentence))

    def take_any(self) -> None:
        """Let the file have any option, also one that is never read."""
        self._takes_any = True

    def check(self) -> None:
        """See that there were no faults, and no options that nobody has read.

        Raises:
            OptionsError: there were.
        """
        for name in () if self._takes_any else self._given:
            if name not in self._known:
                close = near_miss(str(name), self._known)
                known = ", ".join(sorted(self._known))
                takes = f"this bot takes {known}" if known else "this bot takes no options"
                hint = f"did you mean {close!r}?" if close else takes
                self._faults.append((name, f"there is no such option: {hint}"))
        if self._faults:
            raise OptionsError(self._faults)


def as_text(value: Any) -> str:
    """Read text."""
    if not isinstance(value, str):
        raise ValueError("give text, in quotes if it looks like a number")
    return value


def as_flag(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError("give true or false")
    return value


def as_digits(value: Any) -> str:
    """Read keys to press."""
    return check_digits(as_text(value), also=",")


def as_addresses(value: Any) -> list[Address]:
    """Read one JID, or a list of them."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError("give a JID like desk@example.org, or a list of them")
    return [Address(normal_jid(one)) for one in found]


class OneOf(Generic[W]):
    """Reads an option that is one of several words, for `Options.take`.

    Args:
        choices: the words.
    """

    def __init__(self, choices: Iterable[W]) -> None:
        self.choices = tuple(choices)

    def __call__(self, value: object) -> W:
        """Return the word that a value is.

        Raises:
            ValueError: it is none of them.
        """
        for word in self.choices:
            if word == value:
                return word
        raise ValueError(f"it is {describe(value)}: give {' or '.join(self.choices)}")


def as_playable(value: Any, *, folder: Path, kind: Kind) -> Playable:
    """Read something to play."""
    if value is None:
        return None
    found = tuple(map(_item, value)) if isinstance(value, list) else _item(value)
    _check_source(found, folder, kind)
    return found


def _item(value: Any) -> "str | media.SpokenText":
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if "say" not in value or not {*value} <= {"say", "voice", "rate"}:
            raise ValueError("give say, and if you like voice and rate")
        return media.SpokenText(value["say"], value.get("voice"), value.get("rate"))
    raise ValueError(
        "give the name of a source, like silence, the path of a file, {say: TEXT}, or a list of "
        "these"
    )


@lru_cache(maxsize=256)  # the bots of a fleet name the same, and the loop must not read it again
def _check_source(
    playable: "str | media.SpokenText | tuple[str | media.SpokenText, ...]",
    folder: Path,
    kind: Kind,
) -> None:
    source(playable, folder, kind)
