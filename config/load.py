"""From a YAML file to settings, or to everything that is wrong with it."""

import copy
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from .account import AccountSettings
from .document import Document, Location, read_document
from .error_sentence import describe, sentence, unknown_key
from .fleet import MAX_ACCOUNTS, Fleet, parse_fleet
from .jid import bare, parse_jid
from .model import Model, ValidationContext, models_within
from .near_miss import near_miss
from .problem import ConfigError, Problem
from .server import EMBEDDED, EMBEDDED_HOST, is_embedded
from .settings import Settings

M = TypeVar("M", bound=Model)
S = TypeVar("S", bound=Settings)

#: A place, and a sentence on what is wrong there.
Fault = tuple[Location, str]

_SECRETS = {
    *(("password",), ("secret",), ("url",)),
    *(("view",), ("listen",), ("control",), ("talk",)),
}
"""Keys whose values are never shown."""

MAX_COMPARED = 1000
"""Accounts that a misspelled address is compared with."""

_HOMES = {
    (): "at the top of the file",
    ("accounts",): "in an account",
}
_MADE_UP = SecretStr(secrets.token_urlsafe(24))
"""What accounts of the embedded server have for a password that need none: the same for as long as
the process lives, so that a file read again has not changed."""
_RENAMED: dict[tuple[tuple[str, ...], str], str] = {
    ((), "calls"): "the file of call records is named by 'call_log'; 'calls', which calls are "
    "taken, belongs in an account",
}
"""Keys that once had another meaning or name, by the place where they stood."""


_OTHER_FILES = {"phases": "this is a load plan: run it with callboard load"}
"""Keys at the top that only files of another kind have."""
_MISSED: dict[tuple[tuple[str, ...], str], str] = {
    ((), "phases"): ", or use callboard run if this is no load plan"
}
"""What else may be meant where a key is missing."""


def load(
    path: Path,
    *,
    environ: Mapping[str, str] | None = None,
    check_bot: Callable[[str], str | None] | None = None,
    check_account: Callable[[AccountSettings], Iterable[Fault]] | None = None,
    check_settings: Callable[[Settings], Iterable[Fault]] | None = None,
    peers: Callable[[AccountSettings], Iterable[tuple[Location, str]]] | None = None,
) -> Settings:
    """Read a configuration file: see :func:`load_as`."""
    return load_as(
        Settings,
        path,
        environ=environ,
        check_bot=check_bot,
        check_account=check_account,
        check_settings=check_settings,
        peers=peers,
    )


def load_as(
    model: type[S],
    path: Path,
    *,
    environ: Mapping[str, str] | None = None,
    check_bot: Callable[[str], str | None] | None = None,
    check_account: Callable[[AccountSettings], Iterable[Fault]] | None = None,
    check_settings: Callable[[S], Iterable[Fault]] | None = None,
    peers: Callable[[AccountSettings], Iterable[tuple[Location, str]]] | None = None,
) -> S:
    """Read a configuration file that declares what a model says. Blocks: call it in an executor.

    Args:
        model: What the file declares: :class:`Settings`, or more than that.
        path: The YAML file. Paths in it are relative to its folder.
        environ: The environment variables, those of the process if left out.
        check_bot: Given the name of each entry's bot, says in a sentence what is wrong with it, or
            None; what it says is told with the place of the name. Without it any name is taken.
        check_account: Given each account that is sound, says what is wrong with it, and at which of
            its keys. Of a fleet only the first one's faults are told.
        check_settings: Given the settings without the keys at the top that have faults, says what
            else is wrong with them, and where.
        peers: Given each account that is sound, says whom its bot will turn to: a key of the
            account, and a JID. With the embedded server these must be accounts of the file, because
            nobody else can be there. Of a fleet only the first one is asked.

    Returns:
        The settings: every path absolute, every fleet written out, every secret resolved.

    Raises:
        ConfigError: Something is wrong with it; has all faults, not just the first.
    """
    variables = os.environ if environ is None else environ
    context = ValidationContext(path.absolute().parent, variables, check_bot)
    loader = _Loader(read_document(path), context, model, check_account, peers)
    settings = loader.settings(model)
    if check_settings is not None and (sound := settings or loader.sound):
        for place, message in check_settings(sound):
            loader.add(place, message)
    if loader.problems or settings is None:
        raise ConfigError(loader.problems)
    return settings


class _Loader:
    """Checks a document and gathers what is wrong with it."""

    def __init__(
        self,
        document: Document,
        context: ValidationContext,
        model: type[Settings],
        check_account: Callable[[AccountSettings], Iterable[Fault]] | None,
        peers: Callable[[AccountSettings], Iterable[tuple[Location, str]]] | None,
    ) -> None:
        self.document = document
        self.context = context
        self.check_account = check_account
        self.peers = peers
        self.models = models_within(model)
        self.problems: list[Problem] = list(document.faults)
        self.sound: Any = None
        self.unreadable = {(fault.line, fault.column) for fault in document.faults}

    def settings(self, model: type[S]) -> S | None:
        top = self.document.value
        if not isinstance(top, dict):
            self.add((), f"the file is {describe(top)}: start it with keys such as 'accounts:'")
            return None
        for key in _OTHER_FILES.keys() & top.keys() - model.model_fields.keys():
            self.add((key,), _OTHER_FILES[key], key=True)
            return None
        entries = top.get("accounts")
        if isinstance(entries, list) and entries:
            accounts = tuple(self.accounts(entries, top.get("server", EMBEDDED)))
            # A stand-in takes the place of accounts with faults while the rest is checked.
            stand_in = self.account_model(jid=f"nobody@{EMBEDDED_HOST}", bot="silent")
            top = {**top, "accounts": accounts or (stand_in,)}
        settings = self.validate(model, top, ())
        if settings is None:
            self.sound = self.without_faults(model, top)
        return settings

    def without_faults(self, model: type[S], top: dict[str, object]) -> S | None:
        """Read what is left when the keys at the top that have faults are left out."""
        faulty = self.faulty_keys(model, top)
        rest = {key: value for key, value in top.items() if key not in faulty}
        try:
            return model.model_validate(rest, context=self.context)
        except ValidationError:
            return None

    @property
    def account_model(self) -> type[AccountSettings]:
        """What an entry under ``accounts`` is."""
        found = self.models["accounts",]
        if not issubclass(found, AccountSettings):
            raise TypeError(f"{found} is no account")
        return found

    def accounts(self, entries: list[object], server: object) -> Iterator[AccountSettings]:
        """Check each entry and write fleets out."""
        seen: dict[str, int] = {}
        named: list[tuple[Location, str]] = []
        faulty: list[object] = []
        for index, entry in enumerate(entries):
            place: Location = ("accounts", index)
            account, wrong = self.entry(entry, place)
            if account is None:
                faulty.append(entry)
                continue
            self.check_server(account, wrong, place, server)
            if not account.password.get_secret_value():
                account = account.model_copy(update={"password": _MADE_UP})
            fleet = parse_fleet(account.jid)
            if len(seen) + (len(fleet) if fleet else 1) > MAX_ACCOUNTS:
                self.add((*place, "jid"), f"over {MAX_ACCOUNTS:,} accounts: declare fewer")
                return
            members = list(self.members(account, fleet, place))
            if "jid" not in wrong:
                self.check_duplicates(members or [account], seen, index)
            if not wrong & {"bot", "options"}:
                self.check_members(members or [account], place)
            named += [((*place, *key), jid) for key, jid in self.named_by(account)]
            if wrong or not members:
                faulty.append(entry)
            else:
                yield from members
        if is_embedded(server):
            self.check_named(named, {*seen}, faulty)

    def check_server(
        self, account: AccountSettings, wrong: frozenset[str], place: Location, server: object
    ) -> None:
        """See that an account is one of the server's, and can log in there."""
        if is_embedded(server):
            if account.domain != EMBEDDED_HOST:
                self.add(
                    (*place, "jid"),
                    f"the embedded server has accounts at {EMBEDDED_HOST} only, not at "
                    f"{account.domain}: change the domain, or name its server under 'server:' "
                    "({} looks it up in DNS)",
                )
            return
        is_missing = "password" not in wrong and not account.password.get_secret_value()
        if is_missing and isinstance(server, str | dict):
            whose = "the password" if "jid" in wrong else f"the password of {account.jid}"
            self.add(place, f"{whose} is missing: add 'password:'")

    def entry(
        self, entry: object, place: Location
    ) -> tuple[AccountSettings | None, frozenset[str]]:
        """Check an entry; of one with faults, read the rest, so that its other faults are found.

        Args:
            entry: What stands under ``accounts``.
            place: Where.

        Returns:
            The account without its keys that have faults, if anything is left; and these keys. What
            an account must have is made up.
        """
        account = self.validate(self.account_model, entry, place)
        if account is not None or not isinstance(entry, dict):
            return account, frozenset()
        wrong = self.faulty_keys(self.account_model, entry)
        made_up = {"jid": f"nobody@{EMBEDDED_HOST}", "bot": "silent"}
        rest = {key: value for key, value in entry.items() if key not in wrong}
        rest |= {key: value for key, value in made_up.items() if key in wrong}
        try:
            return self.account_model.model_validate(rest, context=self.context), wrong
        except ValidationError:
            return None, wrong

    def faulty_keys(self, model: type[Model], value: object) -> frozenset[str]:
        """Name the keys of a mapping that have faults, or lack."""
        try:
            model.model_validate(value, context=self.context)
        except ValidationError as error:
            return frozenset(str(part) for each in error.errors() for part in each["loc"][:1])
        return frozenset()

    def named_by(self, account: AccountSettings) -> Iterator[tuple[Location, str]]:
        """Say whom an account will turn to, and at which of its keys."""
        for index, jid in enumerate(account.subscriptions.request):
            yield ("subscriptions", "request", index), jid
        if self.peers is not None:
            yield from self.peers(account)

    def check_named(
        self, named: list[tuple[Location, str]], known: set[str], faulty: list[object]
    ) -> None:
        """See that whom accounts turn to is there."""
        for entry in faulty:
            found = _addresses(entry)
            if found is None:  # once its address is mended, it may be the one
                return
            known.update(found)
        for place, jid in named:
            if bare(jid) not in known:
                key = next(part for part in reversed(place) if isinstance(part, str))
                self.add(place, f"{key}: {no_account('the embedded server', jid, known)}")

    def members(
        self, account: AccountSettings, fleet: Fleet | None, place: Location
    ) -> Iterator[AccountSettings]:
        """Give each member of a fleet its address and its password."""
        password = account.password.get_secret_value()
        lines = password.split("\n")
        count = len(fleet) if fleet else 1
        if len(lines) not in {1, count}:
            wanted = f"one, or one for each of the {count:,}" if fleet else "one"
            self.add(
                (*place, "password"),
                f"the secret of {account.jid} has {len(lines):,} lines: give it {wanted}",
            )
            return
        if not all(lines):
            number = lines.index("") + 1
            self.add(
                (*place, "password"),
                f"line {number} of the secret of {account.jid} is empty: write a password there",
            )
            return
        # RFC 4013 §2.3: no server lets such a password through SASLprep.
        if number := next((n for n, line in enumerate(lines, 1) if not line.isprintable()), 0):
            self.add(
                (*place, "password"),
                f"line {number} of the secret of {account.jid} has a control character: remove it",
            )
            return
        if fleet is None:
            yield account
            return
        shared = account.password
        for index, jid in enumerate(fleet.jids()):
            changes: dict[str, object] = {
                "jid": jid,
                # Each bot may do with its options what it likes.
                "options": copy.deepcopy(account.options),
                "password": SecretStr(lines[index]) if len(lines) > 1 else shared,
            }
            yield account.model_copy(update=changes)

    def check_members(self, members: list[AccountSettings], place: Location) -> None:
        for account in members:
            faults = list(self.check_account(account)) if self.check_account is not None else []
            for key, message in faults:
                self.add((*place, *key), message)
            if faults:
                return

    def check_duplicates(
        self, members: list[AccountSettings], seen: dict[str, int], index: int
    ) -> None:
        """See that no account is there twice; one runs once, whatever its resource."""
        twice = [account for account in members if account.bare_jid in seen]
        if twice:
            others = f" and {len(twice) - 1:,} more of this fleet are" if len(twice) > 1 else " is"
            before = ("accounts", seen[twice[0].bare_jid], "jid")
            hint = ", because an account runs only once" if "/" in twice[0].jid else ""
            self.add(
                ("accounts", index, "jid"),
                f"{twice[0].bare_jid}{others} already declared in line "
                f"{self.document.position(before)[0]}: keep one{hint}",
            )
        for account in members:
            seen.setdefault(account.bare_jid, index)

    def validate(self, model: type[M], value: object, place: Location) -> M | None:
        try:
            return model.model_validate(value, context=self.context)
        except ValidationError as error:
            found = error.errors(include_url=False)
        for details in found:
            if not _follows(details, found):
                self.add_finding(details["type"], place, value, details)
        return None

    def add_finding(self, kind: str, place: Location, value: object, details: Any) -> None:
        """Word one of pydantic's findings and find its line."""
        path = details["loc"]
        last: Location = path[-1:] if kind in {"missing", "extra_forbidden"} else ()
        inner = _follow(value, path[: len(path) - len(last)])
        where: Location = (*place, *inner)
        names = tuple(part for part in where if isinstance(part, str))
        if kind == "missing":
            model = self.models[names]
            example = next(iter(model.model_fields[str(last[0])].examples or ()), None)
            hint = f" like '{last[0]}: {example}'" if isinstance(example, str) else ""
            other = _MISSED.get((names, str(last[0])), "")
            self.add(where, f"'{last[0]}' is missing: add it{hint}{other}")
        elif kind == "extra_forbidden":
            key = str(last[0])
            if renamed := _RENAMED.get((names, key)):
                message = f"there is no key '{key}' here: {renamed}"
            elif key in _keys(self.models[names]):
                (kind,) = (part for part in path[:-1] if part not in inner)
                message = f"the {kind} takes no '{key}': remove it"
            else:
                message = unknown_key(key, _keys(self.models[names]), _elsewhere(self.models))
            self.add((*where, key), message, key=True)
        else:
            self.add(where, sentence(details, where, secret=names[-1:] in _SECRETS))

    def add(self, place: Location, message: str, *, key: bool = False) -> None:
        """Note a problem, unless the text there could not even be read as YAML."""
        if self.document.position(place, key=key) not in self.unreadable:
            self.problems.append(self.document.problem(place, message, key=key))


def no_account(where: str, jid: str, accounts: Iterable[str]) -> str:
    """Say that there is no such account, and which one may be meant.

    Args:
        where: What has none.
        jid: The address.
        accounts: The bare JIDs of all accounts.
    """
    known = sorted(accounts)
    letters = len(bare(jid).partition("@")[0])  # the server is mostly the same
    close = near_miss(bare(jid), known[:MAX_COMPARED], letters)
    hint = f"did you mean {close}?" if close else f"give one of {_few(known)}"
    return f"{where} has no account {bare(jid)}: {hint}"


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 5:,} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _addresses(entry: object) -> list[str] | None:
    """Return the bare JIDs that an entry declares, also if the rest of it is wrong."""
    jid = entry.get("jid") if isinstance(entry, dict) else None
    if not isinstance(jid, str):
        return None
    try:
        fleet = parse_fleet(jid)
        return [bare(one) for one in (fleet.jids() if fleet else [str(parse_jid(jid))])]
    except ValueError:
        return None


def _follows(details: ErrorDetails, found: list[ErrorDetails]) -> bool:
    """Tell whether a finding only follows from another one, which is told as well."""
    place = details["loc"]
    return details["type"] == "default_factory_not_called" or (
        # A tuple counts only its good items.
        details["type"] == "too_short"
        and any(
            len(other["loc"]) > len(place) and other["loc"][: len(place)] == place
            for other in found
        )
    )


def _follow(value: object, path: Location) -> Location:
    """Leave out of pydantic's path what is no key of the file: tags of unions, single items."""
    place: list[int | str] = []
    for part in path:
        match value, part:
            case dict(), str() if part in value:
                value = value[part]
            case ((list() | tuple()), int()) if 0 <= part < len(value):
                value = value[part]
            case _:
                continue
        place.append(part)
    return tuple(place)


def _keys(model: type[Model]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _elsewhere(models: Mapping[tuple[str, ...], type[Model]]) -> dict[str, str]:
    return {
        key: _HOMES.get(place, f"under '{place[-1]}'" if place else "")
        for place, model in reversed(list(models.items()))
        for key in _keys(model)
    }
