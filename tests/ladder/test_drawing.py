"""How a ladder is drawn: as text of 80 columns, as a picture, as Mermaid; whatever is in it."""

import unicodedata
from dataclasses import replace
from typing import get_args
from xml.etree.ElementTree import fromstring

import pytest
from callboard.ladder.ladder import Kind, Ladder, Rung
from callboard.ladder.mermaid import mermaid
from callboard.ladder.svg import svg
from callboard.ladder.text import ASCII, WIDTH, text
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.unit

LADDER = Ladder(
    uuid="d1096ef1-fc5d-4261-bf81-2c0647bac4bf",
    id="55356458-9f25",
    account="alice@example.org",
    peer="bob@example.org/phone",
    direction="out",
    state="failed",
    began=1_795_945_518.25,
    seconds=95.5,
    cause="No route: ICE tried for 30.0 s and no pair of addresses let packets through. Ours were "
    "host 192.0.2.1:40000; the peer's host 10.0.0.1:9. Check firewalls and media.addresses, or "
    "give a TURN server.",
    rungs=(
        Rung(0.0, "stanza", "out", "propose (audio)", "<message><propose id='1'/></message>"),
        Rung(0.0421, "stanza", "in", "ringing", "<message/>"),
        Rung(1.5, "stanza", "in", "error to session-initiate: item-not-found", "<iq/>"),
        Rung(2.0, "ice", "", "ICE checks begin"),
        Rung(3.0, "media", "in", "first audio"),
        Rung(3.5, "media", "out", "first audio"),
        Rung(61.25, "stream", "", "waiting: the connection broke; next try in 0.8 s"),
        Rung(
            90.0,
            "ice",
            "",
            "ICE connected: host [2001:db8::1]:40000 ↔ srflx 203.0.113.5:40001, "
            "host 192.0.2.1:40002 ↔ relay 203.0.113.5:40003",
        ),
        Rung(95.5, "keyframe", "in", "key frame asked for (PLI)", times=12),
    ),
    left_out=37,
    gap=7,
)

DRAWN = """\
Call 55356458-9f25: failed
2026-11-29 09:45:18.250 UTC, 95.5 s, record d1096ef1-fc5d-4261-bf81-2c0647bac4bf

       s alice@example.org                                bob@example.org/phone
   0.000 │ propose (audio) ─────────────────────────────────────────────────▶ │
   0.042 │ ◀───────────────────────────────────────────────────────── ringing │
   1.500 │ ◀─────────────────────── error to session-initiate: item-not-found │
   2.000 │   • ICE checks begin                                               │
   3.000 │ ◀═════════════════════════════════════════════════════ first audio │
   3.500 │ first audio ═════════════════════════════════════════════════════▶ │
  61.250 │   • waiting: the connection broke; next try in 0.8 s               │
         ⋮ 37 things that happened here were not kept
  90.000 │   • ICE connected: host [2001:db8::1]:40000 ↔ srflx                │
         │     203.0.113.5:40001, host 192.0.2.1:40002 ↔ relay                │
         │     203.0.113.5:40003                                              │
  95.500 │ ◀══════════════════════════════════ key frame asked for (PLI) x 12 │

Why: No route: ICE tried for 30.0 s and no pair of addresses let packets
     through. Ours were host 192.0.2.1:40000; the peer's host 10.0.0.1:9. Check
     firewalls and media.addresses, or give a TURN server.
"""


def test_a_ladder_as_text() -> None:
    assert "".join(f"{line}\n" for line in text(LADDER)) == DRAWN


def test_colours_change_nothing_but_colours() -> None:
    painted = "\n".join(text(LADDER, colours=True))
    assert "\x1b[31m ◀─────────────────────── error" in painted
    for code in ("0", "1", "2", "31", "32", "33", "35", "36"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted + "\n" == DRAWN


def test_a_call_that_goes_on_has_no_cause() -> None:
    going = replace(LADDER, state="running", cause="")
    assert list(text(going))[-1] == "Why: the call goes on"


def test_signs_have_others_that_any_terminal_shows() -> None:
    assert DRAWN.translate(ASCII).isascii()


def test_a_ladder_as_mermaid() -> None:
    lines = list(mermaid(LADDER))
    assert lines[:3] == [
        "sequenceDiagram",
        "    participant us as alice@example.org",
        "    participant peer as bob@example.org/phone",
    ]
    assert "    us->>peer: 0.000 s  propose (audio)" in lines
    assert "    peer-->>us: 1.500 s  error to session-initiate: item-not-found" in lines
    assert "    Note over us: 2.000 s  ICE checks begin" in lines
    assert "    Note over us,peer: 37 more were not kept" in lines
    assert lines[-1].startswith("    Note over us,peer: No route: ICE tried for 30.0 s")
    assert "next try#59;" not in "\n".join(lines)
    assert "the connection broke#59; next try" in "\n".join(lines)


def test_a_ladder_as_a_picture_has_its_stanzas_within() -> None:
    picture = fromstring(svg(LADDER))
    titles = [one.text for one in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == ["<message><propose id='1'/></message>", "<message/>", "<iq/>"]
    assert picture.get("aria-label", "").startswith("Ladder of call 55356458-9f25: No route")


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=150) | st.sampled_from(
    ["</svg><script>alert(1)</script>", "a; b#quot;\n%%{init}%%", "\x1b[2J\x9b31m", "漢字" * 60, ""]
)
RUNGS = st.builds(
    Rung,
    at=st.floats(0, 1e7),
    kind=st.sampled_from(get_args(Kind)),
    way=st.sampled_from(["in", "out", ""]),
    text=WORDS,
    xml=WORDS,
    times=st.integers(1, 10**6),
)
LADDERS = st.builds(
    Ladder,
    uuid=WORDS, id=WORDS, account=WORDS, peer=WORDS, direction=st.sampled_from(["in", "out"]),
    state=WORDS, began=st.floats(0, 4e9), seconds=st.floats(0, 1e7), cause=WORDS,
    rungs=st.lists(RUNGS, max_size=5).map(tuple), left_out=st.integers(0, 9), gap=st.integers(0, 5),
    refused=st.booleans(),
)  # fmt: skip


def cells(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)


@given(LADDERS)
def test_whatever_is_in_a_ladder_acts_on_no_reader(ladder: Ladder) -> None:
    for line in text(ladder):
        assert line.isprintable()
        assert cells(line) <= WIDTH
    tags = {one.tag.rpartition("}")[2] for one in fromstring(svg(ladder)).iter()}
    assert tags <= {"svg", "style", "rect", "line", "text", "g", "title", "path", "circle"}
    for line in mermaid(ladder):
        assert line.isprintable()
        assert "%%" not in line
    assert Ladder.from_lines(ladder.to_lines()).id == ladder.id
