"""What we can't ask for leaves the session as it was."""

from collections.abc import Callable
from xml.etree.ElementTree import tostring

import pytest
from callboard.jingle import Info, LocalProtocolError, Role, Session
from callboard.tests.jingle.samples import AUDIO, DATA, VIDEO, content, fingerprint, jingle, sdp

Ask = Callable[[Session], object]

OFFERS: dict[str, Ask] = {
    "nothing": lambda s: s.initiate(sdp()),
    "refused media": lambda s: s.initiate(sdp(AUDIO).replace("m=audio 50000", "m=audio 0")),
    "nothing that the peer takes": lambda s: s.initiate(sdp(AUDIO), without={"audio"}),
    "what can't be read": lambda s: s.initiate("m=audio"),
    "what Jingle has not": lambda s: s.initiate(sdp(AUDIO).replace("m=audio", "m=text")),
}
IN_A_CALL: dict[str, Ask] = {
    "adding nothing new": lambda s: s.add_contents(sdp(AUDIO)),
    "accepting what was not added": lambda s: s.accept_contents(sdp(AUDIO)),
    "candidates of no content": lambda s: s.candidates("none", ()),
    "modifying no content": lambda s: s.modify_content("none", sends=False),
    "a state of no content": lambda s: s.info(Info.MUTE, "none"),
    "a second offer": lambda s: s.initiate(sdp(AUDIO)),
}


def session() -> Session:
    return Session(Role.INITIATOR, "s", initiator="a@localhost/1", responder="b@localhost/2")


@pytest.mark.parametrize("ask", OFFERS.values(), ids=OFFERS.keys())
def test_an_offer_that_is_refused_leaves_no_trace(ask: Ask) -> None:
    tried, untried = session(), session()
    with pytest.raises(LocalProtocolError):
        ask(tried)
    assert snapshot(tried) == snapshot(untried)
    assert tried.initiate(sdp(AUDIO, VIDEO)).get("action") == "session-initiate"
    assert tried.kinds == ("audio", "video")


@pytest.mark.parametrize("ask", IN_A_CALL.values(), ids=IN_A_CALL.keys())
def test_a_request_that_is_refused_leaves_no_trace(ask: Ask) -> None:
    tried = session()
    tried.initiate(sdp(AUDIO))
    security = fingerprint("active")
    tried.receive(jingle("session-accept", content("0", security=security)))
    before = snapshot(tried)
    with pytest.raises(LocalProtocolError):
        ask(tried)
    assert snapshot(tried) == before
    assert tried.add_contents(sdp(AUDIO, DATA)).get("action") == "content-add"


def snapshot(session: Session) -> tuple[object, ...]:
    """All that a session knows."""
    return (session.state, session._agreement)


def test_an_offer_that_was_prepared_is_offered_as_any_other() -> None:
    offer = sdp(AUDIO, VIDEO)
    for without in ((), ("video",)):
        plain, ahead, other = (session() for _ in range(3))
        before = snapshot(ahead)
        prepared = ahead.prepare(offer)
        assert snapshot(ahead) == before
        other.prepare(sdp(AUDIO))  # it was changed since
        initiated = [one.initiate(offer, without=without) for one in (plain, ahead, other)]
        assert len({tostring(one) for one in initiated}) == 1
        assert (initiated[1] is prepared) is not bool(without)
        assert snapshot(plain) == snapshot(ahead) == snapshot(other)
