"""With the embedded server, whom accounts turn to must be accounts of the file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from callboard.config import AccountSettings, ConfigError, load
from callboard.config.document import Location

HEAD = "accounts:\n  - {jid: desk@localhost, bot: echo}\n"


def peers(account: AccountSettings) -> Iterator[tuple[Location, str]]:
    if "to" in account.options:
        yield ("options", "to"), account.options["to"]


def faults(folder: Path, text: str) -> list[str]:
    path = folder / "accounts.yaml"
    path.write_text(text)
    try:
        load(path, peers=peers)
    except ConfigError as error:
        return [f"{one.line}:{one.column}: {one.message}" for one in error.problems]
    return []


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "options: {to: dsk@localhost}",
            "to: the embedded server has no account dsk@localhost: did you mean desk@localhost?",
        ),
        (
            "subscriptions: {request: dsk@localhost}",
            (
                "request: the embedded server has no account dsk@localhost: did you mean "
                "desk@localhost?"
            ),
        ),
        (
            "subscriptions: {request: [Desk@localhost, zoe@example.org]}",
            (
                "request: the embedded server has no account zoe@example.org: give one of "
                "a@localhost, desk@localhost"
            ),
        ),
        ("options: {to: DESK@LOCALHOST/there}", None),
        ("subscriptions: {request: a@localhost}", None),
    ],
)
def test_who_is_not_there(tmp_path: Path, entry: str, said: str | None) -> None:
    text = f"{HEAD}  - {{jid: a@localhost, bot: echo, {entry}}}\n"
    found = faults(tmp_path, text)
    assert [one.partition(": ")[2] for one in found] == ([] if said is None else [said])
    assert all(one.startswith("3:") for one in found)
    assert not faults(tmp_path, "server: example.org\n" + text.replace("jid:", "password: x, jid:"))


def test_a_member_of_a_fleet_is_there(tmp_path: Path) -> None:
    fleet = '  - {jid: "load-{01..20}@localhost", bot: echo, options: {to: TO}}\n'
    assert not faults(tmp_path, HEAD + fleet.replace("TO", "load-20@localhost"))
    (fault,) = faults(tmp_path, HEAD + fleet.replace("TO", "load-021@localhost"))
    assert "no account load-021@localhost: did you mean load-0" in fault


@pytest.mark.parametrize("wrong", ["calls: {answer: maybe}", "password: file:nowhere"])
def test_an_account_with_other_faults_is_there(tmp_path: Path, wrong: str) -> None:
    text = (
        f"accounts:\n  - {{jid: desk@localhost, bot: echo, {wrong}}}\n"
        "  - {jid: a@localhost, bot: echo, options: {to: desk@localhost}}\n"
        "  - {jid: b@localhost, bot: echo, options: {to: dsk@localhost}}\n"
    )
    found = faults(tmp_path, text)
    assert [one.partition(":")[0] for one in found] == ["2", "4"]


def test_an_address_that_can_not_be_read_may_be_anybody(tmp_path: Path) -> None:
    text = (
        "accounts:\n  - {jid: de sk@localhost, bot: echo}\n"
        "  - {jid: a@localhost, bot: echo, options: {to: desk@localhost}}\n"
    )
    assert [one.partition(":")[0] for one in faults(tmp_path, text)] == ["2"]
