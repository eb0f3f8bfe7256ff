"""What strangers write, made harmless for a terminal."""

import unicodedata

#: Emoji and some scripts need them, and they change only the letters beside them.
_JOINERS = frozenset("\u200c\u200d")


def printable(text: str) -> str:
    r"""Return a text on one line that a terminal shows as it stands and does not obey.

    Control characters (C0 and C1), those that turn the direction of writing, line and paragraph
    separators, lone surrogates and everything else that Unicode does not let be seen are written
    as Python writes them: ``\x9b``, ``\u202e``, ``\n``.

    Args:
        text: anything.
    """
    if text.isprintable():
        return text
    return "".join(one if _is_harmless(one) else _escaped(one) for one in text)


def _is_harmless(one: str) -> bool:
    return one.isprintable() or one in _JOINERS or unicodedata.category(one) == "Zs"


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
