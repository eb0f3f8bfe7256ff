"""Elements as text: what is written is read back as it was."""

from xml.etree.ElementTree import Element, SubElement, fromstring

import pytest
from callboard.actors.xmpp.markup import Written, markup
from callboard.actors.xmpp.stanza import CLIENT
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z"))
    | st.sampled_from(["\t", "\n", "\r"])
)


def read(text: str) -> Element:
    """Read an element where a stanza stands."""
    return fromstring(f"<stream xmlns='{CLIENT}'>{text}</stream>")[0]


@given(TEXT, TEXT, TEXT)
def test_text_attributes_and_tails_come_out_as_they_went_in(a: str, b: str, c: str) -> None:
    stanza = Element(f"{{{CLIENT}}}message", {"id": a})
    body = SubElement(stanza, f"{{{CLIENT}}}body")
    body.text, body.tail = b, c
    found = read(markup(stanza))
    assert found.get("id") == a
    assert (found[0].text or "") == b
    assert (found[0].tail or "") == c


def test_namespaces_are_those_of_the_elements() -> None:
    stanza = Element(f"{{{CLIENT}}}iq", {"{http://www.w3.org/XML/1998/namespace}lang": "de"})
    query = SubElement(stanza, "{urn:a}query", {"{urn:b}name": "x", "{urn:c}name": "y"})
    SubElement(query, "{urn:a}item")
    SubElement(query, f"{{{CLIENT}}}presence")
    SubElement(query, "bare")
    written = markup(stanza)
    found = read(written)
    assert [one.tag for one in found.iter()] == [one.tag for one in stanza.iter()]
    assert found.attrib == stanza.attrib
    assert found[0].attrib == query.attrib
    assert written.startswith("<iq xml:lang='de'>")


@pytest.mark.parametrize("evil", ["'/><evil/>", "\"><evil a='", "]]><evil/>", "&#60;evil/>"])
def test_nothing_leaves_its_place(evil: str) -> None:
    stanza = Element(f"{{{CLIENT}}}message", {"to": evil})
    stanza.text = evil
    SubElement(stanza, f"{{{evil}}}x")
    found = read(markup(stanza))
    assert found.get("to") == found.text == evil
    assert [one.tag for one in found] == [f"{{{evil}}}x"]


def test_what_was_written_ahead_is_not_written_again() -> None:
    for name in ("{urn:a}a", f"{{{CLIENT}}}a", "a"):
        plain = Element(name, {"b": "'<"})
        plain.text = "<"
        SubElement(plain, "{urn:c}c").tail = "&"
        stanza, ahead, inner = (Element(f"{{{CLIENT}}}iq") for _ in range(3))
        written = Written(plain)
        stanza.append(plain)
        ahead.append(written)
        assert markup(ahead) == markup(stanza)
        assert markup(written) == markup(plain)
        SubElement(inner, "{urn:d}d").append(written)
        assert fromstring(markup(inner))[0][0].tag == plain.tag
        written[0].tail = "changed"
        assert markup(ahead) == markup(stanza).replace("changed", "&amp;")
