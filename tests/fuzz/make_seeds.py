"""Write the seeds: stanzas that our own parties say to each other, and small ones by hand.

Run it as ``python -m callboard.tests.fuzz.make_seeds`` when what we send has changed.
"""

from pathlib import Path
from xml.etree import ElementTree as ET

from callboard.jingle import (
    Accept,
    CallMessage,
    Finish,
    Info,
    Proceed,
    Propose,
    Reason,
    Reject,
    Retract,
    Ringing,
    Role,
)
from callboard.jingle.call_messages.invite import ExternalMethod, Invite, InviteAnswer, JingleMethod
from callboard.tests.fuzz.party import Party
from callboard.tests.jingle.dialects import TAKEN
from callboard.tests.jingle.samples import candidate, content, fingerprint, jingle, trickle

FOLDER = Path(__file__).with_name("seeds")


def made() -> dict[str, ET.Element]:
    """The seeds by name."""
    return {**_call(), **_small(), **_refused(), **_of_others(), **_messages()}


def _call() -> dict[str, ET.Element]:
    found: dict[str, ET.Element] = {}
    ours, theirs = Party(Role.INITIATOR), Party(Role.RESPONDER)

    def tell(name: str, speaker: Party, element: ET.Element) -> None:
        found[name] = element
        (theirs if speaker is ours else ours).hear(element)

    tell("initiate", ours, ours.initiate(["audio", "video", "application"], bundle=True))
    tell("ringing", theirs, theirs.session.info(Info.RINGING))
    tell("accept", theirs, theirs.accept(set()))
    tell("mute", ours, ours.info(Info.MUTE, 0))
    tell("hold", theirs, theirs.info(Info.HOLD, None))
    tell("candidate", theirs, theirs.trickle(0, 4000, complete=True))
    tell("modify", ours, ours.modify(1, sends=False))
    tell("add", theirs, theirs.add("video"))
    tell("add-accepted", ours, ours.answer_addition(taken=True))
    tell("add-again", ours, ours.add("audio"))
    tell("add-rejected", theirs, theirs.answer_addition(taken=False))
    tell("restart", ours, ours.restart(answer=True)[0])
    tell("remove", theirs, theirs.remove(3)[0])
    tell("terminate", ours, ours.session.terminate(Reason.SUCCESS, "bye"))
    alone = Party(Role.INITIATOR)
    found["initiate-audio"] = alone.initiate(["audio"], bundle=False)
    found["initiate-unbundled"] = Party(Role.INITIATOR).initiate(["audio", "video"], bundle=False)
    return found


def _small() -> dict[str, ET.Element]:
    raw = "<raw:transport><raw:candidate ip='192.0.2.1' port='5000'/></raw:transport>"
    named = "<content name='0' creator='initiator'/>"
    media = "<content name='0' creator='initiator'><rtp:description media='audio'/></content>"
    replaced = f"<content name='0' creator='initiator'>{raw}</content>"
    group = (
        "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='LS'><content name='0'/></group>"
    )
    two = content("a b/ü", media="video") + content("c", attributes="senders='none'")
    return {
        "offer-of-others": jingle("session-initiate", two),
        "ping": jingle("session-info"),
        "add-small": jingle("content-add", content("9")),
        "accept-small": jingle("session-accept", content("0")),
        "accept-grouped": jingle("session-accept", content("0") + group),
        "describe": jingle("description-info", media),
        "secure": jingle("security-info"),
        "replace": jingle("transport-replace", replaced),
        "replace-accepted": jingle("transport-accept", named),
        "replace-rejected": jingle("transport-reject", named),
        "restart-small": trickle(
            credentials="ufrag='nnnn' pwd='nnnnnnnnnnnnnnnnnnnnnn'", inner=candidate()
        ),
        "candidate-tcp": trickle(
            inner=candidate(protocol="tcp") + candidate(component=2) + "<ice:gathering-complete/>"
        ),
        "redirect": jingle(
            "session-terminate",
            "<reason><alternative-session><sid>t</sid></alternative-session></reason>",
        ),
    }


def _refused() -> dict[str, ET.Element]:
    """Well-formed offers of what can't be carried, one for each reason."""
    raw = "<raw:transport><raw:candidate ip='192.0.2.1' port='5000'/></raw:transport>"
    found = {
        "raw-udp": "<content name='0' creator='initiator'><rtp:description media='audio'>"
        f"<rtp:payload-type id='0'/></rtp:description>{raw}</content>",
        "no-dtls": content(security=""),
        "no-mux": content(mux=""),
        "no-codec": content(codecs="<rtp:payload-type id='74' name='x'/>"),
        "no-token": content(
            mux="<rtp:rtcp-mux/><source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='1'>"
            "<parameter name='::1' value='x'/></source>"
        ),
        "no-credentials": content(credentials=""),
        "files": "<content name='0' creator='initiator'><description xmlns='urn:example:files'/>"
        f"<ice:transport ufrag='uuuu' pwd='{'p' * 22}'>{fingerprint()}</ice:transport></content>",
        "text": content(media="text"),
    }
    offers = {f"offer-{name}": jingle("session-initiate", inner) for name, inner in found.items()}
    accepts = {
        f"accept-{name}": jingle("session-accept", found[name]) for name in ("raw-udp", "no-dtls")
    }
    additions = {"add-no-dtls": jingle("content-add", content("9", security=""))}
    return {**offers, **accepts, **additions}


def _of_others() -> dict[str, ET.Element]:
    """Offers as other clients write them."""
    return {f"offer-of-{name}": ET.fromstring(text) for name, text in TAKEN.items()}


def _messages() -> dict[str, ET.Element]:
    services = ET.fromstring(
        "<services xmlns='urn:xmpp:extdisco:2'><service type='turn' host='::1' port='3478'"
        " transport='udp' username='u' password='p' expires='2030-01-01T00:00:00Z'/>"
        "<service type='stun' host='stun.example.org' restricted='true'/></services>"
    )
    query = ET.fromstring(
        "<query xmlns='http://jabber.org/protocol/disco#info' node='n'><identity category='client'"
        " type='pc' name='x'/><feature var='urn:xmpp:jingle:1'/></query>"
    )
    presence = ET.fromstring(
        "<presence xmlns='jabber:client'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1'"
        " node='n' ver='v'/></presence>"
    )
    calls: list[CallMessage] = [
        Propose("s", ("audio", "video")),
        Ringing("s"),
        Proceed("s"),
        Accept("s"),
        Reject("s", Reason.BUSY, tie_break=True, text="no"),
        Retract("s", Reason.CANCEL),
        Finish("s", Reason.SUCCESS, migrated_to="t"),
    ]
    invite = Invite((JingleMethod("s", "a@example.org"), ExternalMethod("tel:1")), video=True)
    answer = InviteAnswer("accept", "m", JingleMethod("s"))
    return {
        **{f"message-{type(each).__name__.lower()}": each.to_element() for each in calls},
        "invite": invite.to_element(),
        "invite-accepted": answer.to_element(),
        "services": services,
        "discovery": query,
        "presence": presence,
    }


if __name__ == "__main__":
    for name, element in made().items():
        ET.indent(element)
        (FOLDER / f"{name}.xml").write_bytes(ET.tostring(element) + b"\n")
