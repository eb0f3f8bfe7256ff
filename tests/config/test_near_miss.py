"""What a word that is not known may have been meant to be."""

import pytest
from callboard.config.load import no_account
from callboard.config.near_miss import near_miss

STATES = ["busy", "completed", "declined", "failed", "missed"]


@pytest.mark.parametrize(
    ("word", "known", "meant"),
    [
        ("bussy", STATES, "busy"),
        ("buys", STATES, "busy"),
        ("complete", STATES, "completed"),
        ("bogus", STATES, None),
        ("mixed", STATES, None),
        ("", STATES, None),
        ("adress", ["address", "dress"], "address"),
        ("tow", ["two", "ten"], "two"),
        ("to", [], None),
    ],
)
def test_only_a_slip_of_the_fingers_is_a_near_miss(
    word: str, known: list[str], meant: str | None
) -> None:
    assert near_miss(word, known) == meant


@pytest.mark.parametrize(
    ("jid", "hint"),
    [
        ("ü@localhost", "give one of alice@localhost, tape@localhost"),
        ("tap@localhost", "did you mean tape@localhost?"),
        ("alice@localhots", "did you mean alice@localhost?"),
    ],
)
def test_of_an_account_its_own_letters_count(jid: str, hint: str) -> None:
    found = no_account("the file", jid, ["tape@localhost", "alice@localhost"])
    assert found == f"the file has no account {jid}: {hint}"
