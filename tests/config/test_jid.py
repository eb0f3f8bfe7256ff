"""Addresses: which there are, and which are the same (RFC 7622)."""

# ruff: noqa: RUF001 - letters that look like others are what it is about

import unicodedata

import idna
import pytest
from callboard.config.jid import MAX_BYTES, MAX_LENGTH, normal_jid, parse_jid
from hypothesis import given
from hypothesis import strategies as st

#: One address a line, first as it is compared, then as others may write it.
SAME = [
    (
        "bob@localhost/phone",
        "BOB@localhost/phone",
        "bob@LocalHost./phone",
        "ＢＯＢ@localhost/phone",
    ),
    ("a@bücher.example", "a@xn--bcher-kva.example", "A@BÜCHER.example", "a@XN--BCHER-KVA.example."),
    ("a@bücher.example/Ü", "a@bu\u0308cher.example/U\u0308", "a@bücher。example/Ü"),
    ("jürgen@x", "JÜRGEN@x", "ju\u0308rgen@x", "JU\u0308RGEN@Ｘ"),
    ("straße@faß.example", "STRAßE@xn--fa-hia.example"),
    ("desk@localhost/🎉", "Desk@localhost/🎉"),
    ("a@x/two words", "a@x/two\u00a0words", "a@x/two\u3000words"),
    ("σίσυφος@x", "ΣΊΣΥΦΟΣ@x"),
    ("例え@例え.example", "例え@xn--r8jz45g.example"),
    ("אב@x", "אב@X"),
    ("a@[2001:db8::1]", "a@[2001:DB8:0:0::1]"),
    ("a@192.0.2.1/b/c@d", "A@192.0.2.1/b/c@d"),
    ("example.org", "EXAMPLE.org."),
    (r"d\27artagnan@x", r"D\27Artagnan@x"),
]

#: What is no address, and why.
NONE = [
    ("", "has no domain"),
    ("a@", "has no domain"),
    ("@x", "has nothing before the @"),
    ("a@x/", "has nothing after the /"),
    ("a b@x", "user name .* can't contain ' '"),
    ("a@b@x", "user name .* can't contain '@'"),
    ("a＠b@x", "user name .* can't contain '@'"),
    ("<\u0338@x", "user name .* can't contain"),
    ("ﬁ@x", "user name .* can't contain 'ﬁ'"),
    ("\ud800@x", "user name .* can't contain"),
    ("אa@x", "mixes right-to-left text"),
    ("a@x\n", "is not a domain name"),
    ("a@-x", "is not a domain name"),
    ("a@b..c", "is not a domain name"),
    ("a@xn--", "is not a domain name"),
    ("a@xn--a", "is not a domain name"),
    ("a@\ud800", "is not a domain name"),
    ("a@ｂ／c", "is not a domain name"),
    ("a@☃.example", "is not a domain name"),
    ("a@::1", "is not a domain name"),
    ("a@[fe80::1%lo]", "is not a domain name"),
    ("a@" + "x" * 64, "is not a domain name"),
    ("a@" + "é" * 63, "is not a domain name"),
    ("a@" + "x." * 127 + "x", "is not a domain name"),
    ("a@x/\x00", "resource .* can't contain"),
    ("a@x/\ud800", "resource .* can't contain"),
    ("a@x/b\u200bc", "resource .* can't contain"),
    ("a" * (MAX_BYTES + 1) + "@x", "user name .* has over 1,023 bytes"),
    ("a@x/" + "🎉" * 256, "resource .* has over 1,023 bytes"),
    ("a@x/" + "b" * MAX_LENGTH, "no address is so long"),
]


@pytest.mark.parametrize("spellings", SAME, ids=lambda spellings: ascii(spellings[0]))
def test_spellings_of_one_address_are_equal(spellings: tuple[str, ...]) -> None:
    assert {normal_jid(one) for one in spellings} == {spellings[0]}
    assert len({parse_jid(one) for one in spellings}) == 1


def test_different_addresses_stay_different() -> None:
    others = ["straße@x", "strasse@x", "a@x/B", "a@x/b", "a@x", "x/b", "a@y", "σ@x", "ς@x"]
    assert len({normal_jid(one) for one in others}) == len(others)


@pytest.mark.parametrize(("text", "words"), NONE, ids=lambda text: ascii(text)[:30])
def test_what_is_no_address_is_refused_with_the_reason(text: str, words: str) -> None:
    for read in (parse_jid, normal_jid):
        with pytest.raises(ValueError, match=words):
            read(text)


def test_the_longest_parts_are_addresses() -> None:
    domain = ".".join(["x" * 63] * 3) + "." + "x" * 61
    text = f"{'a' * MAX_BYTES}@{domain}/{'b' * MAX_BYTES}"
    assert normal_jid(text) == text


parts = st.text(st.one_of(st.characters(), st.sampled_from("aA1-.@/ßİΣςéＡ｡\u0308\u0345xn-")))
labels = st.text("abcxyz0189äöüßéèøþλжא例", min_size=1, max_size=12)
domains = st.one_of(
    st.lists(labels, min_size=1, max_size=3).map(".".join),
    st.text(st.characters(), max_size=12),
    labels.map(lambda label: "xn--" + label.encode("punycode").decode()),
)
addresses = st.one_of(
    st.builds("{}@{}/{}".format, parts, domains, parts), st.builds("{}@{}".format, parts, domains)
)


@given(st.one_of(addresses, st.text()))
def test_an_address_in_its_form_stays_as_it_is(text: str) -> None:
    try:
        jid = parse_jid(text)
    except ValueError:
        return
    assert parse_jid(str(jid)) == jid
    assert normal_jid(str(jid)) == str(jid)
    assert parse_jid(jid.bare).bare == jid.bare


@given(addresses)
def test_canonically_equivalent_texts_are_one_address(text: str) -> None:
    try:
        jid = parse_jid(text)
    except ValueError:
        return
    assert parse_jid(unicodedata.normalize("NFD", str(jid))) == jid
    assert parse_jid(str(jid) if jid.resource else str(jid) + ".") == jid


@given(st.lists(labels, min_size=1, max_size=3).map(".".join))
def test_a_domain_is_the_same_in_a_labels(domain: str) -> None:
    try:
        encoded = idna.encode(domain).decode()
    except idna.IDNAError:
        return
    assert normal_jid(f"a@{encoded}") == normal_jid(f"a@{domain}") == f"a@{domain}"
