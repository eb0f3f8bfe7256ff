"""What is held true of whatever a stranger sends. Each function raises if it is not."""

import asyncio
import re
from xml.etree import ElementTree as ET

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import OperationError
from aiortc.sdp import SessionDescription, candidate_from_sdp
from callboard.actors.xmpp.capabilities import Known, announced
from callboard.jingle import (
    CandidatesReceived,
    Event,
    LocalProtocolError,
    Reason,
    RemoteProtocolError,
    Role,
    Session,
    SessionState,
    parse_call_message,
    to_jingle,
    to_sdp,
)
from callboard.jingle.call_messages.invite import parse_invite
from callboard.jingle.external_service import parse_services
from callboard.jingle.model.equivalence import equivalent
from callboard.jingle.sdp.reader import read_sdp
from callboard.tests.jingle.samples import AUDIO, DATA, VIDEO, sdp

OFFER = sdp(AUDIO, VIDEO, DATA)
LINE = re.compile(r"[a-z]=[^\r\n]*\Z")
# What `media.PeerConnection` turns into an error of the call's; anything else would be a crash.
REFUSALS = (OperationError, ValueError, AssertionError, LookupError, AttributeError)


def check_lines(text: str) -> SessionDescription:
    """aiortc's parser takes it, and nothing in it left its line."""
    assert text.splitlines() == text.split("\r\n")[:-1]
    assert all(LINE.match(line) for line in text.splitlines())
    parsed = SessionDescription.parse(text)
    assert str(parsed)
    return parsed


def check_sdp(text: str) -> None:
    """The same of a session's, which says all that a connection needs."""
    parsed = check_lines(text)
    for media in parsed.media:
        assert media.ice is not None
        assert media.ice.usernameFragment
        assert media.ice.password
        assert media.dtls is not None
        assert media.dtls.fingerprints
        assert media.rtcp_mux or media.kind == "application"


def check_events(events: list[Event]) -> None:
    for event in events:
        for name in ("offer", "answer", "description"):
            if hasattr(event, name):
                check_sdp(getattr(event, name))
        if isinstance(event, CandidatesReceived):
            for each in event.candidates:
                candidate_from_sdp(each.to_sdp())


def check_refusal(error: RemoteProtocolError) -> None:
    element = error.to_element()
    assert element.get("type") in {"cancel", "modify", "wait"}
    ET.fromstring(ET.tostring(element))


def feed(session: Session, stanza: ET.Element) -> bool:
    """Let a session receive a stanza; return whether it took it. A refused one leaves no trace."""
    before = session.state, session.remote_description, session._agreement
    try:
        events = session.receive(stanza)
    except RemoteProtocolError as error:
        check_refusal(error)
        assert (session.state, session.remote_description, session._agreement) == before
        return False
    check_events(events)
    if session.remote_description is not None:
        check_sdp(session.remote_description)
    return True


def translate(stanza: ET.Element, role: Role, *, answering: bool) -> str | None:
    """Stanza → model → SDP → aiortc's parser → and as Jingle again, with the same meaning."""
    try:
        text = to_sdp(stanza, role=role, offer=OFFER if answering else None)
    except RemoteProtocolError as error:
        check_refusal(error)
        return None
    check_lines(text)
    action = "session-initiate" if role is Role.INITIATOR else "session-accept"
    offer = OFFER if answering else None
    again = to_jingle(text, role=role, sid="s", action=action, offer=offer)
    try:
        twice = to_sdp(ET.fromstring(ET.tostring(again)), role=role, offer=offer)
    except RemoteProtocolError as error:
        raise AssertionError(f"what we wrote is refused: {error}") from error
    assert equivalent(read_sdp(twice, role), read_sdp(text, role))
    return text


def connect(text: str) -> None:
    """A peer connection takes it, or refuses it with what `media` knows as a refusal."""
    without = "".join(
        line
        for line in text.splitlines(keepends=True)
        if not line.startswith(("a=candidate", "a=end-of"))
    )

    async def main() -> None:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        try:
            await connection.setRemoteDescription(RTCSessionDescription(without, "offer"))
            await connection.createAnswer()
        except REFUSALS:
            pass
        finally:
            await connection.close()

    asyncio.run(main())


def finish(session: Session) -> None:
    """Whatever happened, the session can be ended, and then it is gone."""
    try:
        ET.fromstring(ET.tostring(session.terminate(Reason.SUCCESS)))
    except LocalProtocolError:
        assert session.state in {SessionState.ENDED, SessionState.NULL}
        return
    assert session.state is SessionState.ENDED


def read_aside(element: ET.Element) -> None:
    """All that reads other stanzas: call messages, invites, services, discovery, presence."""
    for parse in (parse_call_message, parse_invite):
        parsed = parse(element)
        if parsed is not None:
            assert parse(ET.fromstring(ET.tostring(parsed.to_element()))) == parsed
    try:
        for service in parse_services(element):
            assert service.url.isprintable()
    except RemoteProtocolError as error:
        check_refusal(error)
    try:
        parsed_anew = ET.fromstring(ET.tostring(element))
    except (ET.ParseError, UnicodeEncodeError):
        return  # no parser of XML would ever hand it to us
    Known().learn(announced(parsed_anew), parsed_anew)
