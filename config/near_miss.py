"""What a word that is not known may have been meant to be."""

from collections.abc import Iterable
from difflib import get_close_matches

#: Words that are looked at more closely, of those that are somewhat like it.
LOOKED_AT = 3
#: Of so many letters one may be wrong.
LETTERS = 3


def near_miss(word: str, known: Iterable[str], letters: int | None = None) -> str | None:
    """Return the word that is meant, if one differs by a slip of the fingers only.

    Args:
        word: what was given.
        known: what it could be.
        letters: how many letters count; all of the word's if not given.
    """
    most = max(1, (len(word) if letters is None else letters) // LETTERS)
    for close in get_close_matches(word, tuple(known), LOOKED_AT):
        if _slips(word, close) <= most:
            return close
    return None


def _slips(word: str, other: str) -> int:
    """Count the letters that are missing, too many, wrong, or change places with the next one."""
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(word, 1):
        now = [row]
        for column, wanted in enumerate(other, 1):
            cost = min(last[column] + 1, now[-1] + 1, last[column - 1] + (letter != wanted))
            if row > 1 < column and (letter, word[row - 2]) == (other[column - 2], wanted):
                cost = min(cost, before[column - 2] + 1)
            now.append(cost)
        before, last = last, now
    return last[-1]
