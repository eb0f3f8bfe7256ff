"""What an account knows of others, and when that changes."""

from dataclasses import replace

import pytest
from callboard.actors.xmpp.contact import Resource
from callboard.actors.xmpp.roster import Item, Roster

PHONE, DESK = "bob@localhost/phone", "bob@localhost/desk"
THERE = Resource("", "here", 1, "client#hash")


@pytest.fixture(params=[True, False], ids=["contact", "stranger"])
def roster(request: pytest.FixtureRequest) -> Roster:
    found = Roster()
    if request.param:
        found.update([Item("bob@localhost", "Bob", "both")])
    return found


def test_presence_that_says_nothing_new_changes_nothing(roster: Roster) -> None:
    assert roster.change(PHONE, THERE) is not None
    assert roster.change(PHONE, THERE) is None
    assert roster.change(PHONE, replace(THERE)) is None
    assert roster["bob@localhost"].resources == {PHONE: THERE}


@pytest.mark.parametrize(
    "other", [{"show": "away"}, {"status": "out"}, {"priority": 2}, {"capabilities": ""}]
)
def test_each_thing_that_presence_says_counts(roster: Roster, other: dict[str, object]) -> None:
    roster.change(PHONE, THERE)
    changed = roster.change(PHONE, replace(THERE, **other))  # type: ignore[arg-type]
    assert changed is not None
    assert changed.resources[PHONE] != THERE


def test_the_same_words_of_another_resource_are_news(roster: Roster) -> None:
    roster.change(PHONE, THERE)
    changed = roster.change(DESK, THERE)
    assert changed is not None
    assert set(changed.resources) == {PHONE, DESK}


def test_who_goes_and_comes_back_is_news_each_time(roster: Roster) -> None:
    for _ in range(2):
        assert roster.change(PHONE, THERE) is not None
        assert roster.change(PHONE, None) is not None
        assert roster.change(PHONE, None) is None
