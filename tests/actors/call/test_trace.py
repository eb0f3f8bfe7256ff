"""How a call's ladder grows: in order, in bounded room, and not at all where ladders are off."""

from collections.abc import Callable
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.call.trace import FIRST, LAST, MAX_XML, MOST_WAITING, Trace
from callboard.actors.records.call_record import CallRecord
from callboard.actors.xmpp.redaction import redacted
from callboard.actors.xmpp.stanza import CLIENT
from callboard.jingle import Reason
from callboard.jingle import namespaces as ns
from callboard.ladder.ladder import Ladder

pytestmark = pytest.mark.unit


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Stand still until a test moves on."""
    now = [50.0]
    monkeypatch.setattr("callboard.actors.call.trace.time.monotonic", lambda: now[0])
    monkeypatch.setattr("callboard.actors.call.trace.time.time", lambda: 1_000_000.0 + now[0])
    return now


def stanza(size: int = 0) -> Element:
    iq = Element(f"{{{CLIENT}}}iq", {"type": "set"})
    jingle = SubElement(iq, f"{{{ns.JINGLE}}}jingle", {"action": "session-info"})
    for number in range(size):
        SubElement(jingle, f"{{{ns.RTP_INFO}}}mute", {"name": f"{number:0900}"})
    return iq


def ladder(trace: Trace) -> Ladder:
    return trace.ladder(CallRecord.refused("sid", "a@b.c", "d@e.f", Reason.BUSY, ""), cause="")


def test_rungs_have_the_time_since_the_first_on_one_clock(clock: list[float]) -> None:
    trace = Trace(is_on=True)
    clock[0] += 1.5
    trace.stanza("in", stanza())
    clock[0] += 0.25
    trace.note("ice", "ICE connected")
    found = ladder(trace)
    assert [rung.at for rung in found.rungs] == [1.5, 1.75]
    assert found.began == 1_000_050.0


def test_what_led_to_the_call_comes_first_and_begins_the_clock(clock: list[float]) -> None:
    trace = Trace(is_on=True)
    clock[0] += 1
    trace.note("ice", "ICE checks begin")
    trace.stanza("in", stanza(), at=48.0)
    trace.stanza("in", stanza(), at=50.5)
    trace.stanza("in", stanza(), at=51.0)
    found = ladder(trace)
    assert [(one.at, one.kind) for one in found.rungs] == [
        (0.0, "stanza"), (2.5, "stanza"), (3.0, "ice"), (3.0, "stanza"),
    ]  # fmt: skip
    assert found.began == 1_000_048.0


def test_what_is_written_later_stands_where_it_happened(clock: list[float]) -> None:
    """Whether the moment has come by then or not, the ladder has all of it."""
    steps: list[Callable[[], None]] = []
    for has_passed in (False, True):
        trace = Trace(is_on=True, later=steps.append)
        for number in range(3):
            clock[0] += 1
            trace.stanza(("out", "in")[number % 2], stanza(number))
            trace.note("ice", str(number))
        trace.stanza("in", stanza(), at=clock[0] - 10)
        [write] = steps
        steps.clear()
        if has_passed:
            write()
            clock[0] += 1
            trace.note("ice", "3")
        kinds = [rung.kind for rung in ladder(trace).rungs]
        assert kinds == ["stanza", *("stanza", "ice") * 3, *("ice",) * has_passed]
        assert [rung.at for rung in ladder(trace).rungs] == sorted(
            rung.at for rung in ladder(trace).rungs
        )
        write()
        assert len(ladder(trace).rungs) == len(kinds)


@pytest.mark.parametrize("waits", [False, True])
def test_what_is_told_later_stands_where_it_happened(clock: list[float], waits: bool) -> None:
    trace = Trace(is_on=True, later=(lambda _: None) if waits else None)
    for _ in range(3):
        clock[0] += 1
        trace.stanza("in", stanza())
    trace.note("ice", "ICE checks begin", at=clock[0] - 1.5)
    trace.note("ice", "ICE connected", at=clock[0] - 0.5)
    trace.note("dtls", "DTLS done")
    found = [(one.at, one.kind) for one in ladder(trace).rungs]
    assert found == [
        (1.0, "stanza"), (1.5, "ice"), (2.0, "stanza"), (2.5, "ice"), (3.0, "stanza"), (3.0, "dtls")
    ]  # fmt: skip


def test_no_more_waits_to_be_written_than_may() -> None:
    steps: list[Callable[[], None]] = []
    trace = Trace(is_on=True, later=steps.append)
    for number in range(5 * MOST_WAITING):
        trace.stanza("in", stanza())
        assert len(trace._waiting) < MOST_WAITING
        assert len(steps) == 1 + number // MOST_WAITING
    assert len(trace._first) + len(trace._last) == 5 * MOST_WAITING


def test_what_happens_again_and_again_is_one_rung(clock: list[float]) -> None:
    trace = Trace(is_on=True)
    for _ in range(1000):
        clock[0] += 1
        trace.note("keyframe", "key frame asked for (PLI)", "in")
    trace.note("keyframe", "key frame asked for (PLI)", "out")
    assert [(rung.at, rung.times) for rung in ladder(trace).rungs] == [(1.0, 1000), (1000.0, 1)]


def test_the_beginning_and_the_end_are_kept(clock: list[float]) -> None:
    trace = Trace(is_on=True)
    for number in range(2 * (FIRST + LAST)):
        clock[0] += 1
        trace.note("state", str(number))
    found = ladder(trace)
    assert len(found.rungs) == FIRST + LAST
    assert (found.gap, found.left_out) == (FIRST, FIRST + LAST)
    assert [found.rungs[at].text for at in (0, FIRST - 1, FIRST, -1)] == ["0", "199", "600", "799"]


def test_stanzas_are_bounded_in_octets() -> None:
    trace = Trace(is_on=True)
    for _ in range(100):
        trace.stanza("in", stanza(size=15))
    found = ladder(trace)
    assert sum(len(rung.xml) for rung in found.rungs) <= 2 * MAX_XML
    assert len(found.rungs) + found.left_out == 100


@pytest.mark.parametrize("text", ["", "é 見 \U0001f600", "\ud800", "x"])
def test_a_long_stanza_takes_little_room_and_stays_as_it_is(text: str) -> None:
    trace = Trace(is_on=True)
    sent = [stanza(count) for count in (0, 2, 6, 3)]
    for each in sent:
        each[0].set("sid", text)
        trace.stanza("out", each)
    early = stanza(5)
    trace.stanza("in", early, at=0.0)
    assert [rung.xml for rung in ladder(trace).rungs] == [redacted(each) for each in (early, *sent)]
    assert sum(len(rung.xml) for rung in trace._first) < sum(
        len(rung.xml) / 3 for rung in ladder(trace).rungs
    )


def test_nothing_is_collected_where_ladders_are_off() -> None:
    trace = Trace(is_on=False)
    trace.stanza("in", stanza())
    trace.note("ice", "ICE connected")
    assert not ladder(trace).rungs


def test_words_of_others_stay_on_one_line() -> None:
    trace = Trace(is_on=True)
    trace.note("stream", "a\nb\x1b[31m" + "c" * 500)
    [rung] = ladder(trace).rungs
    assert rung.text.startswith("a?b?[31mccc")
    assert len(rung.text) == 200
