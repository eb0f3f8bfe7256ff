"""What differs between a file's settings as they run and as they are now."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from pydantic import BaseModel

from ..bots.bot import Bot
from ..config import AccountSettings, Settings
from ..config.document import Location
from ..config.load import Fault

#: The keys of the file that can change while it runs, with all that they hold.
CHANGEABLE: tuple[Location, ...] = (
    ("accounts",),
    ("drain",),
    ("keep",),
    ("log_level",),
    ("web", "tokens"),
)


class AccountDifference(Struct, frozen=True):
    """An account that is declared otherwise.

    Attributes:
        settings: the new ones.
        keys: which of its keys differ; ``code`` if its bot's class does.
        has_new_bot: it needs another bot.
    """

    settings: AccountSettings
    keys: tuple[str, ...]
    has_new_bot: bool


class SettingsDifference(Struct, frozen=True):
    """What differs between two versions of a file.

    Attributes:
        keys: those of `CHANGEABLE` that differ, except accounts.
        added: accounts that are new.
        removed: the bare JIDs of those that are gone.
        changed: those that are declared otherwise.
        unchanged: how many are not.
    """

    keys: tuple[str, ...]
    added: tuple[AccountSettings, ...]
    removed: tuple[str, ...]
    changed: tuple[AccountDifference, ...]
    unchanged: int


#: Settings, and each bot's class by the name that accounts have for it.
Declared = tuple[Settings, Mapping[str, type[Bot]]]


def difference(before: Declared, now: Declared) -> SettingsDifference:
    """Compare two versions of a file."""
    (old, old_classes), (new, new_classes) = before, now
    known = {one.bare_jid: one for one in old.accounts}
    wanted = {one.bare_jid: one for one in new.accounts}
    changed = []
    for jid, settings in wanted.items():
        if jid not in known:
            continue
        was = known[jid]
        keys = [".".join(map(str, place)) for place in _differences(was, settings)]
        if "calls.from" in keys and settings.subscriptions.accept == settings.calls.from_:
            keys = [one for one in keys if one != "subscriptions.accept"]  # it follows
        if was.bot == settings.bot and old_classes[was.bot] is not new_classes[settings.bot]:
            keys.append("code")
        if keys:
            has_new_bot = not {"bot", "options", "code"}.isdisjoint(keys)
            changed.append(AccountDifference(settings, tuple(keys), has_new_bot))
    changeable = dict.fromkeys(filter(None, map(_changeable, _differences(old, new))))
    return SettingsDifference(
        keys=tuple(".".join(map(str, key)) for key in changeable if key != ("accounts",)),
        added=tuple(one for jid, one in wanted.items() if jid not in known),
        removed=tuple(jid for jid in known if jid not in wanted),
        changed=tuple(changed),
        unchanged=len(wanted.keys() & known.keys()) - len(changed),
    )


def fixed_faults(before: Settings, now: Settings) -> Iterator[Fault]:
    """Say what of a file's new version can't be taken while it runs.

    Args:
        before: what runs.
        now: what the file declares now.
    """
    for place in _differences(before, now):
        if _changeable(place) is None:
            name = ".".join(map(str, place))
            yield (
                place,
                f"{name}: it can't change while callboard runs: restart it, or put {name} back",
            )
    had, has = (one.web is not None and one.web.tokens.given() for one in (before, now))
    if had and now.web is not None and not has:
        words = "the board has none left, and makes one only when it starts"
        yield ("web", "tokens"), f"tokens: {words}: leave one, or restart callboard"


def _changeable(place: Location) -> Location | None:
    """Return the changeable key that holds what differs, or None."""
    return next((key for key in CHANGEABLE if place[: len(key)] == key), None)


def _differences(before: BaseModel, now: BaseModel) -> Iterator[Location]:
    """Find the keys that differ; of those that hold keys, those within. Accounts are one key."""
    if type(before) is not type(now):
        yield ()
        return
    for name, field in type(now).model_fields.items():
        old, new = getattr(before, name), getattr(now, name)
        if old == new or name not in before.model_fields_set | now.model_fields_set:
            continue
        key = field.alias or name
        if isinstance(old, BaseModel) and isinstance(new, BaseModel) and type(old) is type(new):
            yield from ((key, *place) for place in _differences(old, new))
        else:
            yield (key,)
