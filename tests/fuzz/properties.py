"""The properties: tried on the same examples by the suite, on others for hours by script/fuzz."""

import asyncio
import copy
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from callboard.jingle import (
    Info,
    Initiated,
    LocalProtocolError,
    RemoteProtocolError,
    Role,
    SessionState,
)
from callboard.jingle import namespaces as ns
from callboard.tests.fuzz.accounts import happenings, quietly
from callboard.tests.fuzz.party import SID, Party, wire
from callboard.tests.fuzz.stanzas import NAMES, SEEDS, stanzas, values
from callboard.tests.fuzz.streams import STEPS, converse, utterances
from callboard.tests.fuzz.targets import (
    check_events,
    connect,
    feed,
    finish,
    read_aside,
    translate,
)
from callboard.tests.jingle.replay import session_for
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

PHASES = [Phase.explicit, Phase.generate, Phase.target, Phase.shrink]


@dataclass(frozen=True, slots=True)
class Property:
    """What must hold of all examples of some strategies."""

    check: Callable[..., None]
    examples: tuple[st.SearchStrategy[Any], ...]

    def try_out(self, number: int, examples: int) -> None:
        """Try it on some examples.

        Args:
            number: of the round; the same number tries the same examples.
            examples: how many.

        Raises:
            Exception: what came out of the smallest example that fails.
        """
        chosen = settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        )
        seed(number)(chosen(given(*self.examples)(self.check)))()


PROPERTIES: dict[str, Property] = {}


def held(*examples: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], None]:
    """Declare a property."""

    def declare(check: Callable[..., None]) -> None:
        PROPERTIES[check.__name__] = Property(check, examples)

    return declare


class Shown:
    """A stanza as it was, written down only if hypothesis reports it."""

    def __init__(self, stanza: ET.Element) -> None:
        self._stanza = copy.deepcopy(stanza)

    def __repr__(self) -> str:
        return ascii(ET.tostring(self._stanza, encoding="unicode"))


def show(stanza: ET.Element) -> None:
    """Show a stanza of the smallest example that fails."""
    note(Shown(stanza))


KINDS = ["audio", "video", "application"]
roles = st.sampled_from(list(Role))
kinds = st.lists(st.sampled_from(KINDS), min_size=1, max_size=3)
# (verb, a number, a flag): what they mean depends on the verb.
verbs = st.sampled_from(
    ["accept", "add", "answer", "remove", "modify", "trickle", "restart", "info", "replace"]
)
steps = st.tuples(verbs, st.integers(0, 7), st.booleans())
# How far two parties have come before chance takes over.
ACCEPTED = [(Role.RESPONDER, ("accept", 0, False))]
PLACES: dict[str, list[tuple[Role, tuple[str, int, bool]]]] = {
    "unknown": [],
    "offered": [],
    "active": ACCEPTED,
    "partly accepted": [(Role.RESPONDER, ("accept", 1, True))],
    "we add": [*ACCEPTED, (Role.INITIATOR, ("add", 1, False))],
    "they add": [*ACCEPTED, (Role.RESPONDER, ("add", 0, False))],
    "added": [
        *ACCEPTED,
        (Role.RESPONDER, ("add", 1, False)),
        (Role.INITIATOR, ("answer", 0, True)),
    ],
}
places = st.sampled_from(["unknown", *sorted(PLACES)])


@held(stanzas(), roles, st.booleans())
def translation(stanza: ET.Element, role: Role, answering: bool) -> None:
    """Stanza → model → SDP → aiortc's parser, and back without loss."""
    show(stanza)
    translate(stanza, role, answering=answering)


@held(stanzas(changes=3), roles)
def connection(stanza: ET.Element, role: Role) -> None:
    """What becomes SDP is taken or refused by a real peer connection."""
    show(stanza)
    text = translate(stanza, role, answering=False)
    if text is not None and role is Role.INITIATOR:
        connect(text)


@held(st.lists(stanzas(), min_size=1, max_size=6))
def reading(found: list[ET.Element]) -> None:
    """Other stanzas are read, or are not ours; services only are answered with errors."""
    for stanza in found:
        show(stanza)
        for element in (stanza, *stanza):
            read_aside(element)


@held(kinds, st.booleans(), places, st.lists(st.tuples(roles, steps), max_size=12))
def agreement(
    offered: list[str], bundle: bool, place: str, script: list[tuple[Role, tuple[str, int, bool]]]
) -> None:
    """What one session may say, the other takes; both then agree on where they are."""
    parties = {role: Party(role) for role in Role}
    parties[Role.RESPONDER].hear(parties[Role.INITIATOR].initiate(offered, bundle=bundle))
    for role, step in [*PLACES[place], *script]:
        ours, theirs = parties[role], parties[role.other]
        for element in said(ours, theirs, step):
            check_events(theirs.hear(element))
        assert ours.session.state is theirs.session.state
        assert sorted(ours.open()) == sorted(theirs.open()) or not settled(parties)
    finish(parties[Role.INITIATOR].session)


def settled(parties: dict[Role, Party]) -> bool:
    """No addition is on its way, and both have described themselves."""
    return parties[Role.INITIATOR].session.state is SessionState.ACTIVE and not any(
        party.adding or party.waiting for party in parties.values()
    )


@held(
    roles,
    kinds,
    places,
    st.lists(
        st.one_of(st.tuples(st.just("hear"), stanzas()), st.tuples(st.just("say"), steps)),
        min_size=1,
        max_size=8,
    ),
)
def invasion(role: Role, offered: list[str], place: str, script: list[tuple[str, object]]) -> None:
    """A session in the middle of its own doings survives whatever a stranger sends."""
    parties = {role: Party(role) for role in Role}
    ours, peer = parties[role], parties[role.other]
    if role is Role.INITIATOR or place != "unknown":
        initiate = parties[Role.INITIATOR].initiate(offered, bundle=len(offered) > 1)
        parties[Role.RESPONDER].hear(initiate)
        for who, step in PLACES[place]:
            for element in said(parties[who], parties[who.other], step):
                parties[who.other].hear(element)
    for verb, what in script:
        if verb == "hear":
            assert isinstance(what, ET.Element)
            stanza = copy.deepcopy(what)
            show(stanza)
            stanza.attrib.setdefault("sid", SID)
            feed(ours.session, stanza)
        else:
            assert isinstance(what, tuple)
            said(ours, peer, what)
    finish(ours.session)


OFFERS = ["initiate", "initiate-audio", "initiate-unbundled"]
REPEATED = frozenset(
    {
        *("candidate", "content", "fingerprint", "group", "parameter", "payload-type", "rtcp-fb"),
        *("rtp-hdrext", "source", "ssrc-group"),
    }
)
JINGLE, RTP, ICE = (f"{{{each}}}" for each in (ns.JINGLE, ns.RTP, ns.ICE_UDP))
changed = st.lists(st.tuples(st.sampled_from(NAMES), values), min_size=1, max_size=3)


def local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


@held(st.sampled_from(OFFERS), st.integers(0, 500), changed, st.booleans())
def sifting(name: str, place: int, changes: list[tuple[str, str]], first: bool) -> None:
    """One item that is odd costs no other: beside any of an offer, the offer is as good."""
    offer = copy.deepcopy(SEEDS[name])
    before = feed_offer(copy.deepcopy(offer))
    places = [(each, one) for each in offer.iter() for one in each if local(one) in REPEATED]
    parent, item = places[place % len(places)]
    odd = copy.deepcopy(item)
    own = {"payload-type": "id", "content": "name"}.get(local(item))
    if own is not None:
        odd.set(own, "127")
    for key, value in changes:
        odd.set(key, value)
    if own is not None and any(is_same(odd, each, own) for each in parent if each.tag == odd.tag):
        return  # nobody can tell which of the two is meant
    parent.insert(0 if first else len(parent), odd)
    show(offer)
    try:
        after = feed_offer(offer)
    except RemoteProtocolError as error:
        if error.condition != "policy-violation":
            raise
    else:
        assert set(before.media) <= set(after.media)


def is_same(one: ET.Element, other: ET.Element, key: str) -> bool:
    """Whether two items are one to a reader: a number may be written with zeros in front."""
    ours, theirs = one.get(key, ""), other.get(key, "")
    return ours == theirs or ours.lstrip("0") == theirs.lstrip("0")


def feed_offer(offer: ET.Element) -> Initiated:
    """Let a new session take an offer."""
    [event] = session_for(Role.RESPONDER, offer.get("sid", "s")).receive(offer)
    assert isinstance(event, Initiated)
    check_events([event])
    return event


PARTED = ["fingerprint", "credentials", "codecs"]


@held(
    st.sampled_from(OFFERS),
    st.sets(st.sampled_from(PARTED), min_size=1),
    st.randoms(use_true_random=False),
)
def parting(name: str, parts: set[str], chance: random.Random) -> None:
    """An offer that comes in parts is the one that comes at once, in whatever order they come."""
    offer = copy.deepcopy(SEEDS[name])
    at_once = feed_offer(copy.deepcopy(offer))
    infos = [
        info
        for content in offer.findall(f"{JINGLE}content")
        for part in PARTED
        if part in parts and (info := taken_out(content, part)) is not None
    ]
    chance.shuffle(infos)
    session = session_for(Role.RESPONDER, SID)
    show(offer)
    events = session.receive(offer)
    for info in infos:
        show(info)
        events += session.receive(wire(info))
    [initiated] = [event for event in events if isinstance(event, Initiated)]
    assert sorted(initiated.offer.split()) == sorted(at_once.offer.split())


def taken_out(content: ET.Element, part: str) -> ET.Element | None:
    """Take a part out of a content; return the stanza that brings it, None if it has none."""
    names = {key: content.get(key, "") for key in ("name", "creator")}
    action = "description-info" if part == "codecs" else "transport-info"
    info = ET.Element(f"{JINGLE}jingle", {"action": action, "sid": SID})
    told = ET.SubElement(info, content.tag, names)
    transport, description = content.find(f"{ICE}transport"), content.find(f"{RTP}description")
    assert transport is not None
    match part:
        case "credentials":
            ET.SubElement(told, transport.tag, dict(transport.attrib))
            transport.attrib.clear()
        case "fingerprint":
            brought = ET.SubElement(told, transport.tag)
            for each in transport.findall(f"{{{ns.DTLS}}}fingerprint"):
                transport.remove(each)
                brought.append(each)
        case _:
            if description is None:
                return None
            brought = ET.SubElement(told, description.tag, dict(description.attrib))
            for each in description.findall(f"{RTP}payload-type"):
                description.remove(each)
                brought.append(each)
    return info


def said(ours: Party, theirs: Party, step: tuple[str, int, bool]) -> list[ET.Element]:
    """What a party says at a step; nothing where its own session or its manners forbid it."""
    try:
        return _said(ours, theirs, *step)
    except LocalProtocolError:
        return []


def _said(ours: Party, theirs: Party, verb: str, number: int, flag: bool) -> list[ET.Element]:
    quiet = not any((ours.adding, ours.waiting, theirs.adding, theirs.waiting))
    match ours.session.state, verb:
        case SessionState.PENDING, "accept" if ours.offer:
            return [ours.accept({number % 4} if flag else set())]
        case SessionState.ACTIVE, "add" if quiet and len(ours.kinds) < 8:
            return [ours.add(KINDS[number % 3])]
        case SessionState.ACTIVE, "answer" if ours.waiting:
            return [ours.answer_addition(taken=flag)]
        case SessionState.ACTIVE, _ if ours.open():
            return _said_in_a_call(ours, verb, number, flag, quiet)
        case SessionState.PENDING, "info" | "trickle" if ours.open():
            return _said_in_a_call(ours, verb, number, flag, quiet)
    return []


def _said_in_a_call(
    ours: Party, verb: str, number: int, flag: bool, quiet: bool
) -> list[ET.Element]:
    match verb:
        case "replace" if ours.replacing:
            return [ours.answer_replacement()]
        case "remove" if quiet:
            return ours.remove(number)
        case "modify":
            return [ours.modify(number, sends=number % 2 == 0)]
        case "trickle":
            return [ours.trickle(number, 4000 + number, complete=flag)]
        case "restart" if quiet:
            return ours.restart(answer=flag)
        case "info":
            return [ours.info(list(Info)[number % len(Info)], number if flag else None)]
    return []


@held(st.sampled_from(STEPS), st.lists(utterances(), min_size=1, max_size=6))
def streaming(place: str, said: list[bytes]) -> None:
    """A stream goes on or ends in order whatever a server says, and the next one is as good."""
    asyncio.run(converse(place, said))


@held(st.lists(happenings, min_size=1, max_size=8))
def account(happened: list[tuple[str, ET.Element | None]]) -> None:
    """An account lives on whatever its server and strangers send it, and answers to addresses."""
    for _, stanza in happened:
        if stanza is not None:
            show(stanza)
    quietly(happened)
