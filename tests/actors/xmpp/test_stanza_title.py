"""What a ladder says of each stanza, whatever a peer writes in it."""

from xml.etree.ElementTree import fromstring

import pytest
from callboard.actors.xmpp.stanza import CLIENT
from callboard.actors.xmpp.stanza_title import MAX_TITLE, title
from callboard.jingle import namespaces as ns

pytestmark = pytest.mark.unit


def jingle(action: str, inside: str = "") -> str:
    return (
        f"<iq xmlns='{CLIENT}' type='set'>"
        f"<jingle xmlns='{ns.JINGLE}' action='{action}' sid='s'>{inside}</jingle></iq>"
    )


def content(kind: str, senders: str = "both") -> str:
    return f"<content senders='{senders}'><description xmlns='{ns.RTP}' media='{kind}'/></content>"


def transport(inside: str) -> str:
    return (
        f"<content><transport xmlns='{ns.ICE_UDP}' ufrag='u' pwd='p'>{inside}</transport></content>"
    )


CANDIDATE = "<candidate type='host' ip='192.0.2.1' port='9'/>"
ERROR = f"<error type='cancel'><conflict xmlns='{ns.STANZAS}'/></error>"


@pytest.mark.parametrize(
    ("stanza", "words"),
    [
        (jingle("session-initiate", content("audio") + content("video")),
         "session-initiate (audio, video)"),
        (jingle("content-modify", content("video", "initiator")),
         "content-modify (video: initiator)"),
        (jingle("session-terminate", "<reason><busy/><text>in a meeting</text></reason>"),
         "session-terminate [busy]"),
        (jingle("session-info", f"<hold xmlns='{ns.RTP_INFO}'/>"), "session-info hold"),
        (jingle("session-info", f"<mute xmlns='{ns.RTP_INFO}' name='audio'/>"),
         "session-info mute (audio)"),
        (jingle("session-info"), "session-info (ping)"),
        (jingle("session-info", f"<dtmf xmlns='{ns.DTMF}' code='7'/>"), "session-info dtmf"),
        (jingle("transport-info", transport(CANDIDATE)), "transport-info (host 192.0.2.1:9)"),
        (jingle("transport-info", transport(CANDIDATE * 3)), "transport-info (3 candidates)"),
        (jingle("transport-info", transport("")), "transport-info (ICE restart)"),
        (jingle(""), ""),
        (f"<iq xmlns='{CLIENT}' type='result'/>", "result to session-initiate"),
        (f"<iq xmlns='{CLIENT}' type='error'>{ERROR}</iq>", "error to session-initiate: conflict"),
        ((f"<message xmlns='{CLIENT}'><reject xmlns='{ns.CALL_MESSAGE}' id='1'>"
         f"<reason xmlns='{ns.JINGLE}'><busy/></reason></reject></message>"),
         "reject [busy] to session-initiate"),
        (f"<message xmlns='{CLIENT}'><invite xmlns='{ns.CALL_INVITE}'/></message>",
         "invite to the call"),
        (f"<message xmlns='{CLIENT}'><body>secret</body></message>", "message"),
    ],
)  # fmt: skip
def test_each_stanza_in_a_few_words(stanza: str, words: str) -> None:
    assert title(fromstring(stanza), "session-initiate") == words


def test_what_a_peer_chooses_is_short_and_harmless() -> None:
    action = "x" * 5000 + "&#10;"
    found = title(fromstring(jingle(action, content("\u202eaudio\x85", "y" * 900) * 50)))
    assert len(found) <= MAX_TITLE
    assert found.isascii()
    assert found.isprintable()
    assert "secret" not in title(fromstring(jingle("session-info", "<a><b>secret</b></a>")))
