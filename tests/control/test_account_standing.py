"""When an account counts as lost, and as back."""

from typing import Any, cast, get_args

import pytest
from callboard.actors.messages.exchange import AccountChanged, AccountState
from callboard.control.account_standing import AccountStanding
from hypothesis import given
from hypothesis import strategies as st

JID = "desk@localhost"


def turns(states: str) -> str:
    """What each state means to somebody who relies on the account; "-" for nothing."""
    standing = AccountStanding([JID])
    reports: list[Any] = [AccountChanged(JID, cast(Any, state)) for state in states.split()]
    return " ".join(standing.take(report) or "-" for report in reports)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("connecting online closed", "- - -"),
        ("connecting waiting connecting online", "- - - -"),
        ("online waiting connecting waiting online", "- lost - - back"),
        ("online waiting failed", "- lost -"),
        ("connecting failed", "- lost"),
        ("failed connecting online", "lost - back"),
        ("online ended connecting online", "- lost - back"),
        ("connecting ended", "- -"),
        ("online closed connecting waiting", "- - - -"),
        ("online waiting closed online", "- lost - -"),
        ("online leaving closed", "- - -"),
    ],
)
def test_what_a_change_means(states: str, expected: str) -> None:
    assert turns(states) == expected


STATES = st.sampled_from(list(get_args(AccountState)))


@given(st.lists(st.tuples(st.sampled_from("abc"), STATES)))
def test_the_counts_are_those_of_the_states(changes: list[tuple[str, str]]) -> None:
    standing = AccountStanding("ab")
    for jid, state in changes:
        standing.take(AccountChanged(jid, state))  # type: ignore[arg-type]
        values = list(standing.states.values())
        assert {one: count for one, count in standing.counts.items() if count} == {
            one: values.count(one) for one in values
        }
