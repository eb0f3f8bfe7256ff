"""What Dino 0.4.2 and stanza.js 12 were asked in a running call, asked of us.

Their answers are in the ERROR-TABLE.txt of each; where ours differ, the reason is given.
"""

import re
from xml.etree import ElementTree as ET

import pytest
from callboard.jingle import RemoteProtocolError, Role, Unacceptable, to_jingle
from callboard.tests.jingle.corpus import FOLDER, needs_corpus
from callboard.tests.jingle.replay import listen, own_answer, own_offer, session_for

pytestmark = needs_corpus

POKES: dict[str, tuple[str, str]] = {
    "session-info empty (ping)": ("session-info", ""),
    "session-info ringing": ("session-info", "<info:ringing/>"),
    "session-info mute 0": ("session-info", "<info:mute name='0' creator='initiator'/>"),
    "session-info hold": ("session-info", "<info:hold/>"),
    "session-info unknown ns": ("session-info", "<foo xmlns='urn:example:foo'/>"),
    "transport-info single content": ("transport-info", "[0 host udp]"),
    "transport-info TWO contents": ("transport-info", "[0 host udp][1 host udp]"),
    "transport-info unknown content": ("transport-info", "[nope host udp]"),
    "transport-info bad cand type": ("transport-info", "[0 bogus udp]"),
    "transport-info prflx+tcp": ("transport-info", "[0 prflx tcp]"),
    "content-modify 1 none": ("content-modify", "<content name='1' senders='none'/>"),
    "content-remove 1": ("content-remove", "<content name='1'/>"),
    "content-reject 1": ("content-reject", "<content name='1'/>"),
    "session-accept again": ("session-accept", "[accept]"),
    "session-initiate same sid": ("session-initiate", "[accept]"),
    "description-info": ("description-info", "[accept]"),
    "security-info": ("security-info", ""),
    "bogus action": ("bogus", ""),
    "unknown session transport-info": ("transport-info", "[other sid]"),
    "unknown session terminate": ("session-terminate", "[other sid]"),
    "missing sid": ("session-info", "[no sid]"),
    "initiate filetransfer-unknown app": (
        "session-initiate",
        (
            "<content name='f' creator='initiator'><description xmlns='urn:example:file'/>"
            "<ice:transport ufrag='uuuu' pwd='pppppppppppppppppppppp'/></content>"
        ),
    ),
    "initiate unknown transport": (
        "session-initiate",
        (
            "<content name='0' creator='initiator'><rtp:description media='audio'><rtp:payload-type"
            " id='0'/></rtp:description><transport xmlns='urn:example:pigeon'/></content>"
        ),
    ),
    "initiate no contents": ("session-initiate", ""),
}
# Where we answer otherwise, and why.
OTHERWISE = {
    ("Dino", "session-info unknown ns"): "unsupported-info (XEP-0166 §6.8); Dino says nothing",
    ("stanza.js", "session-info unknown ns"): "the same; stanza.js says result",
    ("Dino", "transport-info TWO contents"): "XEP-0166 lets a transport-info name several",
    ("Dino", "content-remove 1"): "Dino has none; we follow it",
    ("Dino", "content-reject 1"): "Dino has none; we say out-of-order: nothing was added",
    ("Dino", "session-initiate same sid"): "out-of-order, which the action is; Dino says conflict",
    ("Dino", "initiate filetransfer-unknown app"): "acknowledged, then ended with the reason",
    ("Dino", "initiate unknown transport"): "acknowledged, then ended with the reason",
}


def replies() -> list[tuple[str, str, str]]:
    """(client, poke, "result" or the condition or "nothing") of each line of the tables."""
    if not FOLDER.is_dir():
        return []
    found = []
    for client, folder in (("Dino", "dino"), ("stanza.js", "stanza")):
        for line in (FOLDER / folder / "ERROR-TABLE.txt").read_text().splitlines():
            if match := re.match(r"POKE (.+?) -> (.*)", line):
                condition = re.search(r"<ns\d:error .*?><ns\d:([a-z-]+) />", match[2])
                said = "result" if match[2] == "result" else condition[1] if condition else ""
                found.append((client, match[1], said or "nothing"))
    return found


@pytest.mark.parametrize(("client", "poke", "said"), replies())
def test_what_clients_were_asked(client: str, poke: str, said: str) -> None:
    """We answer as they did, or better; a client that said nothing can't be agreed with."""
    assert not POKES.keys() - {each for _, each, _ in replies()}
    action, inner = POKES[poke]
    ours = our_reply(action, inner)
    if said != "nothing" and (client, poke) not in OTHERWISE:
        assert ours == said
    elif OTHERWISE.get((client, poke)):
        assert ours != said
    assert ours


def our_reply(action: str, inner: str) -> str:
    """Our answer to a poke in a running call of audio and video that we started."""
    session = session_for(Role.INITIATOR, "s")
    session.initiate(own_offer("0", "1"))
    accept = to_jingle(
        own_answer("0", "1"),
        role=Role.RESPONDER,
        sid="s",
        action="session-accept",
        offer=own_offer("0", "1"),
    )
    session.receive(accept)
    if action == "session-initiate" and "accept" not in inner:
        session = session_for(Role.RESPONDER, "s")
    stanza = poked(action, inner, accept)
    try:
        events = listen(session, stanza)
    except RemoteProtocolError as error:
        return error.condition
    refused = [str(event.reason) for event in events if isinstance(event, Unacceptable)]
    return refused[0] if refused else "result"


def poked(action: str, inner: str, accept: ET.Element) -> ET.Element:
    def candidate(match: re.Match[str]) -> str:
        name, kind, protocol = match.groups()
        return (
            f"<content name='{name}' creator='initiator'><ice:transport ufrag='theirs'"
            " pwd='pwpwpwpwpwpwpwpwpwpwpw'><ice:candidate component='1' foundation='9' id='z'"
            f" generation='0' ip='192.0.2.9' port='5004' priority='1' protocol='{protocol}'"
            f" type='{kind}'/></ice:transport></content>"
        )

    contents = "".join(ET.tostring(each, encoding="unicode") for each in accept)
    text = inner.replace("[accept]", contents).replace("[no sid]", "").replace("[other sid]", "")
    text = re.sub(r"\[(\S+) (\S+) (\S+)\]", candidate, text)
    sid = "" if "no sid" in inner else f"sid='{'other' if 'other' in inner else 's'}'"
    return ET.fromstring(
        f"<jingle xmlns='urn:xmpp:jingle:1' action='{action}' {sid}"
        " xmlns:rtp='urn:xmpp:jingle:apps:rtp:1' xmlns:info='urn:xmpp:jingle:apps:rtp:info:1'"
        f" xmlns:ice='urn:xmpp:jingle:transports:ice-udp:1'>{text}</jingle>"
    )
