"""Whom a call goes to, and with what, by what a peer's devices say of themselves."""

from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.devices import Devices
from callboard.actors.messages.account import PlaceCall
from callboard.actors.xmpp import capabilities
from callboard.actors.xmpp.contact import Resource
from callboard.actors.xmpp.events import IqAnswered
from callboard.actors.xmpp.safe_reader import Reader
from callboard.actors.xmpp.stanza import iq_reply, stanza_error
from callboard.jingle import namespaces as ns
from callboard.media import Silence

ALICE, PHONE, LAPTOP, OLD = (
    *("alice@localhost", "alice@localhost/phone"),
    *("alice@localhost/laptop", "alice@localhost/old"),
)
JINGLE = frozenset({capabilities.JINGLE_RTP, ns.RTP_AUDIO})
CAN = {
    PHONE: JINGLE | {capabilities.JINGLE_MESSAGE, ns.RTP_VIDEO},
    LAPTOP: JINGLE | {capabilities.JINGLE_MESSAGE},
    OLD: JINGLE,
    "alice@localhost/older": JINGLE,
    "alice@localhost/text": frozenset({capabilities.PING}),
}
PRIORITY = {PHONE: 5, LAPTOP: 1, OLD: 2, "alice@localhost/older": 3}


def info(features: frozenset[str]) -> Element:
    """Return the answer to a disco#info query."""
    query = Element(f"{{{capabilities.DISCO_INFO}}}query")
    for feature in features:
        SubElement(query, f"{{{capabilities.DISCO_INFO}}}feature", {"var": feature})
    return iq_reply("desk@localhost/bot", "id", query)


def devices(*there: str) -> Devices:
    """Return the devices that are there, each of which has said what it can do."""
    found = Devices(
        {jid: Resource("", "", PRIORITY.get(jid, 0), "") for jid in there},
        Reader("desk@localhost"),
    )
    for question in found.questions(there):
        assert found.learn(IqAnswered(question.token, info(CAN[question.to])))
    assert not found.are_asked
    return found


def order(to: str = ALICE, message: bool | None = None) -> PlaceCall:
    return PlaceCall(to, Silence(), None, message=message)


@pytest.mark.parametrize(
    ("there", "order", "way"),
    [
        ((), order(), (ALICE, True)),
        ((PHONE, LAPTOP), order(), (ALICE, True)),
        (("alice@localhost/text",), order(), (ALICE, True)),
        # One that would never ring is called directly, the one of the highest priority first.
        ((PHONE, OLD), order(), (OLD, False)),
        ((OLD, "alice@localhost/older", PHONE), order(), ("alice@localhost/older", False)),
        # What the bot says counts.
        ((PHONE, OLD), order(message=True), (ALICE, True)),
        ((PHONE, LAPTOP), order(message=False), (PHONE, False)),
        ((), order(message=False), (ALICE, False)),
        (("alice@localhost/text",), order(message=False), ("alice@localhost/text", False)),
        # A full JID is one device.
        ((PHONE, OLD), order(PHONE), (PHONE, True)),
        ((PHONE, OLD), order(OLD), (OLD, False)),
        ((PHONE,), order(OLD), (OLD, True)),
    ],
)
def test_whom_a_call_goes_to(
    there: tuple[str, ...], order: PlaceCall, way: tuple[str, bool]
) -> None:
    assert devices(*there).way_to(order) == way


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ((), set()),
        ((PHONE,), {"application"}),
        ((LAPTOP,), {"video", "application"}),
        ((PHONE, LAPTOP), {"application"}),
        ((LAPTOP, "alice@localhost/text"), set()),
        (("alice@localhost/unknown",), set()),
    ],
)
def test_a_kind_is_left_out_only_if_no_device_takes_it(
    asked: tuple[str, ...], refused: set[str]
) -> None:
    assert devices(*CAN).refused_by(asked) == refused


def test_nobody_is_asked_twice_but_after_a_new_presence() -> None:
    found = devices(PHONE)
    assert found.questions([PHONE]) == []
    found.change(PHONE, Resource("away", "", 0, ""))
    (question,) = found.questions([PHONE, PHONE])
    assert (question.to, found.are_asked) == (PHONE, True)
    assert found.questions([PHONE]) == []


def test_an_error_or_no_answer_says_nothing_and_a_late_one_counts_no_more() -> None:
    found = Devices({}, Reader("desk@localhost"))
    error = iq_reply("desk@localhost/bot", "id", stanza_error("cancel", "service-unavailable"))
    first, second, third = found.questions([PHONE, LAPTOP, OLD])
    assert found.learn(IqAnswered(first.token, error))
    assert found.learn(IqAnswered(second.token, None))
    assert found.are_asked
    found.give_up()
    assert not found.are_asked
    assert not found.learn(IqAnswered(third.token, info(CAN[OLD])))
    assert found.way_to(order()) == (ALICE, True)


def test_who_has_gone_is_not_called() -> None:
    found = devices(PHONE, OLD)
    found.change(OLD, None)
    assert found.reached_by(ALICE) == [PHONE]
    assert found.way_to(order()) == (ALICE, True)
    found.change(ALICE, None)  # a presence of the bare JID is one of all
    assert found.reached_by(ALICE) == []


def test_what_is_announced_by_a_known_hash_needs_no_question(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(capabilities, "KNOWN", capabilities.Known())
    node = f"urn:x#{capabilities.verification(audio=True, video=True)}"
    resource = Resource("", "", 0, node)
    first = Devices({PHONE: resource}, Reader("desk@localhost"))
    (question,) = first.questions([PHONE])
    answer = iq_reply("desk@localhost/bot", "id", capabilities.info(True, True, node))
    assert first.learn(IqAnswered(question.token, answer))
    second = Devices({LAPTOP: resource}, Reader("desk@localhost"))
    assert second.questions([LAPTOP]) == []
    assert second.refused_by([LAPTOP]) == first.refused_by([PHONE])
