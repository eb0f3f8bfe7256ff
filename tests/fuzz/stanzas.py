"""Stanzas near to real ones: seeds of our own making, changed here and there."""

import copy
from pathlib import Path
from xml.etree import ElementTree as ET

from callboard.jingle import Action
from hypothesis import strategies as st

FOLDER = Path(__file__).with_name("seeds")
SEEDS = {path.stem: ET.parse(path).getroot() for path in sorted(FOLDER.glob("*.xml"))}
PARTS = [element for seed in SEEDS.values() for element in seed.iter()]
TAGS = sorted({element.tag for element in PARTS})
NAMES = sorted({name for element in PARTS for name in element.attrib})
KNOWN = sorted({value for element in PARTS for value in element.attrib.values()})
# Numbers at their edges, words of other fields, and what would break out of a line or a word.
ODD = [
    "", "0", "1", "-1", "4294967296", "99999999999999999999", "74", "127", "128", "1e3", "٣", "²",
    "a b", "a\r\na=x:y", "a\nb", "a\x00", "\u2028", "\x85", "é", "\ud800", "x" * 2000, "%41", "%0A",
    "a/b", "a;b", "a=b", "=", ";", " ", "::1", "::", "::ffff:1.2.3.4", "1.2.3.4", "256.1.1.1",
    "fe80::1%x", "x.local", "224.0.0.1", "sha-1", "holdconn", "prflx", "srflx", "tcp", "*",
]  # fmt: skip
values = st.one_of(st.sampled_from(KNOWN), st.sampled_from(ODD), st.text(max_size=20))
seeds = st.sampled_from(sorted(SEEDS))


@st.composite
def stanzas(draw: st.DrawFn, changes: int = 5) -> ET.Element:
    """A seed with a few changes."""
    stanza = copy.deepcopy(SEEDS[draw(seeds)])
    for _ in range(draw(st.integers(0, changes))):
        change(draw, stanza)
    if draw(st.integers(0, 7)) == 7:
        stanza.set("action", draw(st.sampled_from(list(Action))).value)
    return stanza


def change(draw: st.DrawFn, stanza: ET.Element) -> None:
    elements = list(stanza.iter())
    first, second = (elements[draw(st.integers(0, len(elements) - 1))] for _ in range(2))
    draw(st.sampled_from(CHANGES))(draw, first, second)


def _set(draw: st.DrawFn, element: ET.Element, _: ET.Element) -> None:
    name = draw(st.sampled_from(sorted(element.attrib) or NAMES))
    element.set(name, draw(values))


def _set_any(draw: st.DrawFn, element: ET.Element, _: ET.Element) -> None:
    element.set(draw(st.sampled_from(NAMES)), draw(values))


def _unset(draw: st.DrawFn, element: ET.Element, _: ET.Element) -> None:
    if element.attrib:
        del element.attrib[draw(st.sampled_from(sorted(element.attrib)))]


def _write(draw: st.DrawFn, element: ET.Element, _: ET.Element) -> None:
    element.text = draw(values)


def _rename(draw: st.DrawFn, element: ET.Element, _: ET.Element) -> None:
    element.tag = draw(st.sampled_from(TAGS))


def _insert(draw: st.DrawFn, element: ET.Element, _: ET.Element) -> None:
    element.append(copy.deepcopy(draw(st.sampled_from(PARTS))))


def _remove(draw: st.DrawFn, element: ET.Element, _: ET.Element) -> None:
    if len(element):
        element.remove(draw(st.sampled_from(list(element))))


def _multiply(draw: st.DrawFn, element: ET.Element, _: ET.Element) -> None:
    """Up to and beyond every limit."""
    if len(element):
        child = draw(st.sampled_from(list(element)))
        for _number in range(draw(st.sampled_from([1, 2, 17, 300]))):
            element.append(copy.deepcopy(child))


def _mix(_: st.DrawFn, element: ET.Element, other: ET.Element) -> None:
    """Two contents, codecs or sources that share what must be one's own."""
    element.attrib.update(other.attrib)


CHANGES = [_set, _set_any, _unset, _write, _rename, _insert, _remove, _multiply, _mix]
