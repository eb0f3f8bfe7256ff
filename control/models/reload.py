"""Taking a file anew while it runs."""

from typing import ClassVar

from .base import Command, Result


class AccountChange(Result):
    """An account that goes on with other settings.

    Attributes:
        jid: its bare JID.
        keys: which of its keys differ; ``code`` if its bot's module, or one that it imports, does.
    """

    jid: str
    keys: tuple[str, ...]


class AccountRefusal(Result):
    """An account that stays as it was.

    Attributes:
        jid: its bare JID.
        detail: why.
    """

    jid: str
    detail: str


class ReloadResult(Result):
    """What a reload has changed.

    Attributes:
        keys: those at the top of the file that changed.
        added: the accounts that came.
        removed: those that leave, as soon as their calls have ended.
        changed: those that go on with other settings.
        refused: those that could not be added or changed.
        unchanged: how many were not touched.
    """

    keys: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[AccountChange, ...] = ()
    refused: tuple[AccountRefusal, ...] = ()
    unchanged: int = 0

    def sentence(self) -> str:
        """Say it in words."""
        parts = [
            *([f"now otherwise: {', '.join(self.keys)}"] if self.keys else []),
            *_counted("added", list(self.added)),
            *_counted("removed", list(self.removed)),
            *_counted("changed", [f"{one.jid} ({', '.join(one.keys)})" for one in self.changed]),
            *_counted("not changed", [f"{one.jid}: {one.detail}" for one in self.refused]),
        ]
        return "; ".join(parts) or "nothing has changed"


class ReloadCommand(Command[ReloadResult]):
    """Read the file and its bots again, and take what has changed."""

    name: ClassVar[str] = "reload"
    result = ReloadResult


def _counted(what: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return [f"{len(names):,} {what}: {', '.join(names[:5])}{more}"]
