"""What comes in for calls, and where it goes: to its call, to its conversation, or back."""

from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element

import pytest
from callboard.actors.call_router import STALE, CallRouter
from callboard.actors.call_routes import Routes
from callboard.actors.context import Context, Endpoint
from callboard.actors.records.call_record import CallRecord
from callboard.actors.xmpp.incoming import Letter
from callboard.actors.xmpp.stanza import error_condition
from callboard.config import AccountSettings
from callboard.jingle import CallMessage, Proceed, Propose, Retract
from callboard.media import Network, ReceivePath

OWN, DESK, PEER = "alice@x", "alice@x/desk", "bob@x/phone"


class Line:
    """A session that keeps what is sent."""

    account_jid = own_bare = OWN
    jid = DESK

    def __init__(self) -> None:
        self.sent: list[Element] = []

    def transmit(self, stanza: Element) -> None:
        self.sent.append(stanza)


class Talks:
    """Conversations that keep what they are told, or have no room."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.has_room = True

    def __contains__(self, peer: object) -> bool:
        return any(peer == one for one, _ in self.told)

    def tell(self, peer: str, message: Any) -> bool:
        if self.has_room:
            self.told.append((peer, message))
        return self.has_room


class Log:
    """Keeps records."""

    def __init__(self) -> None:
        self.records: list[CallRecord] = []

    def post(self, record: CallRecord) -> bool:
        self.records.append(record)
        return True


class Scene:
    def __init__(self, **calls: Any) -> None:
        self.line, self.talks, self.log, self.routes = Line(), Talks(), Log(), Routes()
        wanted = {"from": "*", "answer": "auto", **calls}
        context = Context(
            settings=AccountSettings.model_validate(
                {"jid": OWN, "password": "x", "bot": "none", "calls": wanted}
            ),
            endpoint=Endpoint(None, None, False, cast("Any", None)),
            network=Network(("127.0.0.1",), (40000, 40010)),
            use_services=False,
            path=ReceivePath.NONE,
            largest_picture=1,
            recordings=Path(),
            writer=cast("Any", None),
            exchange=cast("Any", None),
            log=cast("Any", self.log),
            bot=cast("Any", None),
        )
        self.calls = CallRouter(
            cast("Any", self.line), context, self.routes, cast("Any", self.talks)
        )

    def say(self, message: CallMessage, sender: str = PEER, to: str = DESK, **more: Any) -> None:
        self.calls.call_message(Letter(sender, to, "1", "chat", call=message, **more), message)

    def jingle(self, action: str, sid: str = "sid") -> str:
        """Take a Jingle IQ; return the condition that it is refused with, or ""."""
        before = len(self.line.sent)
        self.calls.jingle(PEER, "7", Element("jingle", {"action": action, "sid": sid}))
        refused = self.line.sent[before:]
        return error_condition(refused[0]) if refused else ""


PROPOSE = Propose("sid", ("audio",))


def test_a_proposal_begins_a_conversation_once() -> None:
    scene = Scene()
    scene.say(PROPOSE)
    scene.say(PROPOSE)
    assert [peer for peer, _ in scene.talks.told] == ["bob@x"]
    assert len(scene.routes) == 1
    scene.say(Retract("sid"))
    scene.say(Retract("another"))
    assert len(scene.talks.told) == 2


@pytest.mark.parametrize(
    "what",
    [
        {"sender": DESK},
        {"sender": f"{OWN}/phone", "to": PEER},
        {"age": STALE + 1},
    ],
    ids=["our own", "another device's of ours", "kept for too long"],
)
def test_what_is_no_new_proposal_begins_nothing(what: dict[str, Any]) -> None:
    scene = Scene()
    scene.say(PROPOSE, **what)
    assert not scene.talks.told
    assert not scene.routes


def test_what_another_device_of_ours_says_goes_to_the_call_of_that_peer() -> None:
    scene = Scene()
    scene.say(PROPOSE)
    scene.say(Proceed("sid"), sender=f"{OWN}/phone", to=PEER)
    scene.say(Proceed("sid"), sender=f"{OWN}/phone", to=OWN)
    scene.say(Proceed("unknown"), sender=f"{OWN}/phone", to=OWN)
    assert [(peer, message.own) for peer, message in scene.talks.told] == [
        ("bob@x", False),
        ("bob@x", True),
        ("bob@x", True),
    ]


@pytest.mark.parametrize("draining", [False, True])
def test_a_stranger_who_is_refused_leaves_a_record_and_nothing_else(draining: bool) -> None:
    scene = Scene() if draining else Scene(answer="never")
    if draining:
        scene.calls.drain()
    scene.say(PROPOSE)
    assert not scene.talks.told
    assert not scene.routes
    [reject] = scene.line.sent
    assert reject.get("to") == PEER
    [record] = scene.log.records
    assert record.reason == ("gone" if draining else "decline")


def test_a_conversation_for_which_there_is_no_room_leaves_no_route() -> None:
    scene = Scene()
    scene.talks.has_room = False
    scene.say(PROPOSE)
    assert scene.jingle("session-initiate", "other") == "resource-constraint"
    assert not scene.routes


@pytest.mark.parametrize(
    ("action", "sid", "condition"),
    [
        ("session-initiate", "sid", ""),
        ("session-initiate", "", "item-not-found"),
        ("session-accept", "sid", "item-not-found"),
        ("transport-info", "sid", "item-not-found"),
        ("nonsense", "sid", "item-not-found"),
    ],
)
def test_only_an_initiate_begins_a_session(action: str, sid: str, condition: str) -> None:
    scene = Scene()
    assert scene.jingle(action, sid) == condition
    assert len(scene.routes) == len(scene.talks.told) == (0 if condition else 1)


def test_what_follows_an_initiate_waits_for_its_call() -> None:
    scene = Scene()
    assert scene.jingle("session-initiate") == ""
    assert scene.jingle("transport-info") == ""
    assert len(scene.talks.told) == 1
    assert len(scene.routes.forget("bob@x", "sid")) == 1


def test_who_begins_too_many_calls_is_held_back() -> None:
    scene = Scene()
    conditions = [scene.jingle("session-initiate", str(number)) for number in range(200)]
    assert conditions[0] == ""
    assert conditions[-1] == "resource-constraint"
    assert len(scene.routes) < 100
