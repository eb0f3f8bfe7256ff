"""What both parties have said so far: names, mids, and contents that are gone."""

import pytest
from callboard.jingle import RemoteProtocolError, Role
from callboard.jingle.model.content import Content
from callboard.jingle.model.description import Description
from callboard.jingle.session.agreement import Agreement, is_gone
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.lists(st.text("ab0é ", min_size=1, max_size=3), max_size=6)


def agreed(*names: str, ours: bool = True) -> Agreement:
    """Contents on which both have agreed, each with its name for a mid."""
    contents = Description(tuple(Content(name) for name in names))
    return Agreement(
        Role.INITIATOR,
        local=contents if ours else Description(),
        remote=contents,
        mids={name: name for name in names},
    )


@given(NAMES)
def test_a_new_content_gets_a_mid_of_its_own(names: list[str]) -> None:
    agreement, mids = Agreement(Role.RESPONDER), dict[str, str]()
    for number, name in enumerate(names):
        mid = agreement.fresh_mid(name)
        assert mid not in mids.values()
        assert not set(mid) & set(" \r\n")
        mids[f"{name}{number}"] = mid
        agreement = Agreement(Role.RESPONDER, mids=mids)


def test_an_m_line_of_ours_stays_when_its_content_is_gone() -> None:
    left = agreed("a", "b", "c").without(["b"])
    assert left.open == ("a", "c")
    assert list(left.mids.values()) == ["a", "b", "c"]
    assert [is_gone(name) for name in left.mids] == [False, True, False]
    assert left.remote.names() == ("a", "c")
    assert len(left.local.contents) == 3


def test_a_content_that_only_the_peer_described_leaves_no_m_line() -> None:
    left = agreed("a", "b", ours=False).without(["b"])
    assert left.mids == {"a": "a"}


def test_the_name_of_a_content_that_is_gone_is_free_again() -> None:
    left = agreed("a", "b").without(["b"])
    assert "b" not in left.mids
    assert left.fresh_mid("b") not in left.mids.values()


def test_what_was_in_the_session_may_still_be_named() -> None:
    left = agreed("a", "b").without(["b"])
    assert left.known([Content("b")]) == ()
    assert left.known([Content("a"), Content("b"), Content("x")]) == (Content("a"),)
    for strange in ([], [Content("x")]):
        with pytest.raises(RemoteProtocolError, match="bad-request"):
            left.known(strange)


def test_nothing_is_left_of_a_content_that_is_gone() -> None:
    agreement = Agreement(
        Role.RESPONDER,
        remote=Description((Content("a"), Content("b"))),
        mids={"a": "a", "b": "b"},
        adding=frozenset("b"),
        added=frozenset("b"),
        held={"b": Content("b")},
        offer=Description((Content("b"),)),
    )
    left = agreement.without(["b"])
    assert (left.adding, left.added, left.held) == (frozenset(), frozenset(), {})
    assert left.offer == Description()
    assert left.ignored == {"b"}
    assert agreement.held  # a value: what was is as it was
