"""Reading the options that an account has for its bot."""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from ..config.jid import normal_jid
from ..media import Kind
from .source import source

T = TypeVar("T")
D = TypeVar("D")

#: What is sent where nothing is.
NOTHING = (None, "none")


class OptionsError(ValueError):
    """Options can't be used.

    Args:
        faults: the option's name and a sentence, for each that is wrong.
    """

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{name}: {sentence}" for name, sentence in self.faults))


class Options:
    """Takes options one by one, and tells everything that is wrong with them at once.

    Args:
        given: what the YAML file has.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self._known: list[str] = []
        self._faults: list[tuple[str, str]] = []

    def take(self, name: str, read: Callable[[Any], T], otherwise: D) -> T | D:
        """Return an option.

        Args:
            name: the option's.
            read: makes something of its value, or raises a `ValueError` with a sentence.
            otherwise: what it is if the file does not have it, or has it wrong.
        """
        self._known.append(name)
        if name not in self._given:
            return otherwise
        try:
            return read(self._given[name])
        except (ValueError, TypeError) as error:
            self._faults.append((name, str(error)))
            return otherwise

    def refuse(self, name: str, sentence: str) -> None:
        """Add a fault."""
        self._faults.append((name, sentence))

    def check(self) -> None:
        """See that there were no faults, and no options that nobody has taken.

        Raises:
            OptionsError: there were.
        """
        for name in self._given:
            if name not in self._known:
                close = get_close_matches(str(name), self._known, 1)
                known = ", ".join(sorted(self._known)) or "none at all"
                hint = f"did you mean {close[0]!r}?" if close else f"it takes {known}"
                self._faults.append((name, f"there is no such option: {hint}"))
        if self._faults:
            raise OptionsError(self._faults)


def flag(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError("give true or false")
    return value


def addresses(value: Any) -> list[str]:
    """Read a JID, or a list of them."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError("give a JID like desk@example.org, or a list of them")
    return [normal_jid(one) for one in found]


def playable(folder: Path, kind: Kind) -> Callable[[Any], str | None]:
    """Return what reads the name of something to play.

    Args:
        folder: where a file's path begins.
        kind: what it has to give.
    """

    def read(value: Any) -> str | None:
        if value is not None and not isinstance(value, str):
            raise ValueError("give the name of a source, like silence, or the path of a file")
        if value is not None:
            _look(value, folder, kind)
        return value

    return read


@lru_cache(maxsize=256)  # the bots of a fleet name the same, and the loop must not read it again
def _look(name: str, folder: Path, kind: Kind) -> None:
    found = source(name, folder)
    if found is not None and kind not in found.kinds:
        raise ValueError(f"{name!r} has no {kind}: name something that has")
