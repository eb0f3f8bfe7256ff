"""Captured conversations, played to a session of ours as their peer, from either end.

What the peer said is received as it was captured. What our own side said there is said anew by our
session, from what the capture has.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from callboard.jingle import Event, Info, Reason, Role, Session, to_sdp
from callboard.jingle.model.description import Description
from callboard.jingle.model.replace import replace
from callboard.jingle.model.transport import IceTransport, Transport
from callboard.jingle.sdp.writer import write_sdp
from callboard.jingle.xml.reader import read_contents, read_reason
from callboard.tests.jingle.corpus import FOLDER, jingle_of
from callboard.tests.jingle.samples import AUDIO, VIDEO, answer, sdp

JIDS = {"initiator": "caller@example.org/one", "responder": "called@example.org/two"}


@dataclass(frozen=True, slots=True)
class Heard:
    """One captured <jingle/>: where it stands, and who said it."""

    path: Path
    speaker: Role
    jingle: ET.Element

    @property
    def action(self) -> str:
        return self.jingle.get("action", "")


def conversations() -> dict[str, list[Heard]]:
    """The live captures, in the order of their numbers, by prefix and session id."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted([*FOLDER.glob("dino/*.xml"), *FOLDER.glob("stanza/*.xml")]):
        jingle = jingle_of(path)
        if jingle is not None:
            prefix = re.split(r"-\d\d-", path.name)[0]
            found[f"{path.parent.name}/{prefix}/{jingle.get('sid', '')[:8]}"].append(path)
    return {name: _attributed(paths) for name, paths in found.items()}


def _attributed(paths: list[Path]) -> list[Heard]:
    """Say who said each: the files tell by ``from``, by ``to``, or by their names."""
    stanzas = [ET.parse(path).getroot() for path in paths]
    speakers = [
        "bot"
        if re.search(r"-\d\d-out-", path.name)
        else stanza.get("from") or f"not {stanza.get('to')}"
        for path, stanza in zip(paths, stanzas, strict=True)
    ]
    jingles = [jingle_of(path) for path in paths]
    actions = [jingle.get("action") for jingle in jingles if jingle is not None]
    if "session-initiate" in actions:
        initiator = speakers[actions.index("session-initiate")]
    else:  # the capture has only the answering client
        initiator = "bot"
    return [
        Heard(path, Role.INITIATOR if speaker == initiator else Role.RESPONDER, jingle)
        for path, speaker, jingle in zip(paths, speakers, jingles, strict=True)
        if jingle is not None
    ]


def session_for(role: Role, sid: str) -> Session:
    return Session(role, sid, **JIDS)


def own_offer(*mids: str) -> str:
    """An offer of ours, audio first, with these mids (at most two)."""
    media = [AUDIO.replace("a=mid:0", f"a=mid:{mid}") for mid in mids[:1]]
    media += [VIDEO.replace("a=mid:1", f"a=mid:{mid}") for mid in mids[1:2]]
    return sdp(*media)


def own_answer(*mids: str) -> str:
    return answer(own_offer(*mids))


def speak(session: Session, jingle: ET.Element) -> list[ET.Element]:
    """Let our session say what the capture has from our side."""
    match jingle.get("action"):
        case "session-initiate":
            return [session.initiate(to_sdp(jingle, role=Role.INITIATOR))]
        case "session-accept":
            offer = session.remote_description
            return [session.accept(to_sdp(jingle, role=Role.RESPONDER, offer=offer))]
        case "session-info":
            name = jingle[0].get("name")
            return [session.info(Info(jingle[0].tag.rpartition("}")[2]), name)]
        case "transport-info":
            contents = read_contents(jingle).contents
            if len(contents) > 1:  # stanza.js tells new credentials of all contents at once
                return session.restart(_restarting(session, contents[0].transport), answer=True)
            transport = contents[0].transport
            assert isinstance(transport, IceTransport)
            return [
                session.candidates(
                    contents[0].name, transport.candidates, complete=transport.gathering_complete
                )
            ]
        case "session-terminate":
            reason, text, _ = read_reason(jingle)
            return [session.terminate(reason or Reason.SUCCESS, text)]
    raise AssertionError(f"our side never said {jingle.get('action')}")


def _restarting(session: Session, transport: Transport | None) -> str:
    """Our description with the credentials of a restart."""
    assert isinstance(transport, IceTransport)
    fresh = tuple(
        replace(each, transport=replace(each.transport, ufrag=transport.ufrag, pwd=transport.pwd))
        for each in session._agreement.local.contents
        if isinstance(each.transport, IceTransport)
    )
    return write_sdp(Description(fresh).renamed(session._agreement.mids), session.role)


def listen(session: Session, jingle: ET.Element) -> list[Event]:
    """Receive, parsed anew, as it would come from the wire."""
    return session.receive(ET.fromstring(ET.tostring(jingle)))
