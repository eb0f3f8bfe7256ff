"""Every captured conversation, played to a session of ours as the peer, from either end."""

from xml.etree import ElementTree as ET

import pytest
from callboard.jingle import Event, IceRestarted, Role, SessionState
from callboard.tests.jingle.corpus import needs_corpus
from callboard.tests.jingle.replay import (
    Heard,
    conversations,
    listen,
    own_offer,
    session_for,
    speak,
)

pytestmark = needs_corpus

CONVERSATIONS = conversations()
ENDS = [
    pytest.param(name, us, id=f"{name} as {us}")
    for name, heard in CONVERSATIONS.items()
    for us in Role
    # With an answer alone, ours is the offering end.
    if heard[0].action == "session-initiate" or us is Role.INITIATOR
]
STATES = {
    "session-initiate": SessionState.PENDING,
    "session-accept": SessionState.ACTIVE,
    "session-terminate": SessionState.ENDED,
}


@pytest.mark.parametrize(("name", "us"), ENDS)
def test_a_captured_conversation(name: str, us: Role) -> None:
    heard = CONVERSATIONS[name]
    session = session_for(us, heard[0].jingle.get("sid", ""))
    if heard[0].action != "session-initiate":
        session.initiate(own_offer("0", "1"))
    events: list[Event] = []
    for each in heard:
        before = session.state
        if each.speaker is us:
            for said in speak(session, each.jingle):
                assert said.get("action") == each.action
        else:
            events += listen(session, each.jingle)
        assert session.state is STATES.get(each.action, before), each.path.name
    check(heard, us, events)


def check(heard: list[Heard], us: Role, events: list[Event]) -> None:
    """What the files' names say has been told, once each."""
    told = [type(event).__name__ for event in events]
    assert "Unacceptable" not in told
    theirs = [each for each in heard if each.speaker is not us]
    for action, event in {
        "session-initiate": "Initiated",
        "session-accept": "Accepted",
        "session-terminate": "Terminated",
        "session-info": "InfoReceived",
        "content-add": "ContentAdded",
    }.items():
        assert told.count(event) == sum(each.action == action for each in theirs), event
    complete = [each for each in theirs if b"gathering-complete" in ET.tostring(each.jingle)]
    assert told.count("GatheringComplete") == len(complete)
    restarts = [e for e in theirs if e.action == "transport-info" and len(e.jingle) > 1]
    assert sum(isinstance(event, IceRestarted) for event in events) == len(restarts)
