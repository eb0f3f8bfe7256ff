"""Patterns of bare addresses."""

# ruff: noqa: RUF001 - letters that look like others are what it is about

import pytest
from callboard.config.pattern import check_pattern, matches


@pytest.mark.parametrize(
    ("pattern", "jid", "expected"),
    [
        ("*", "a@b", True),
        ("*@example.org", "alice@example.org/phone", True),
        ("*@example.org", "ALICE@Example.ORG", True),
        ("*@example.org", "alice@notexample.org", False),
        ("*@example.org", "alice@example.org.evil", False),
        ("*@example.org", "example.org", False),
        ("a?c@x", "abc@x", True),
        ("a?c@x", "ac@x", False),
        ("a.c@x", "abc@x", False),
        ("[ab]@x", "a@x", False),
        ("*@*.example.org", "a@b.example.org", True),
        ("alice@x", "alice@x", True),
        ("alice@x", "alice@x\n", False),
        ("*@x", "a@evil/b@x", False),
        ("*ab*ab@x", "abab@x", True),
        ("*ab*ab@x", "ab@x", False),
        ("*a?b*@x", "aab-acb@x", True),
        ("**@x", "a@x", True),
        ("**@x", "@x", False),
        ("*@BÜCHER.example", "a@xn--bcher-kva.example", True),
        ("*@xn--bcher-kva.example", "a@bücher.example/phone", True),
        ("*@*.xn--bcher-kva.example.", "a@b.BU\u0308CHER.example", True),
        ("ju\u0308r*@x", "JÜRGEN@x", True),
        ("ＢＯＢ*@ｘ", "bobby@x", True),
        ("jürgen@x", "ju\u0308rgen@x", True),
        ("?@x", "e\u0301@x", True),
    ],
)
def test_matching(pattern: str, jid: str, expected: bool) -> None:
    assert matches((check_pattern(pattern) if "[" not in pattern else pattern,), jid) is expected


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("*@xn--*", "wildcard within an A-label"),
        ("*@a..b", "is not a domain name"),
        ("*@-x.*", "is not a domain name"),
        ("a b@x", "can't contain ' '"),
    ],
)
def test_a_pattern_that_could_match_nobody_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_pattern(pattern)


def test_any_of_several_will_do() -> None:
    assert matches(("a@x", "b@x"), "b@x")
    assert not matches((), "b@x")


def test_many_stars_stay_fast() -> None:
    with pytest.raises(ValueError, match="over 8 stars"):
        check_pattern("*a" * 9 + "@x")
    pattern = check_pattern("*a" * 8 + "@x")
    assert not matches((pattern,), "a" * 1000 + "@y")
    assert matches((pattern,), "a" * 1000 + "@x")
