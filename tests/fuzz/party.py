"""One honest end of a session: a `Session`, and descriptions as a peer connection would make them.

An honest party says only what the protocol allows it to say, in the order in which its peer
connection would have it. What two of them say to each other must never be refused.
"""

import re
from xml.etree import ElementTree as ET

from aiortc.sdp import SessionDescription
from callboard.jingle import (
    Accepted,
    Candidate,
    ContentAccepted,
    ContentAdded,
    ContentRejected,
    ContentRemoved,
    Event,
    Info,
    Initiated,
    Reason,
    Role,
    Session,
    TransportReplaced,
)
from callboard.tests.jingle.samples import (
    AUDIO,
    DATA,
    FINGERPRINT,
    OTHER_FINGERPRINT,
    VIDEO,
    sdp,
)

JIDS = {"initiator": "a@example.org/1", "responder": "b@example.org/2"}
TEMPLATES = {"audio": AUDIO, "video": VIDEO, "application": DATA}
SID = "s"


def wire(element: ET.Element) -> ET.Element:
    """The element as the other side parses it."""
    return ET.fromstring(ET.tostring(element))


class Party:
    """One end of a session.

    Args:
        role: its part.

    Attributes:
        session: what is tested.
        kinds: the kind of each m-line, by mid, in order, refused ones too.
        refused: mids of m-lines that are refused or gone.
        waiting: contents that the other added and that wait for our answer.
    """

    def __init__(self, role: Role) -> None:
        self.session = Session(role, SID, **JIDS)
        self.kinds: dict[str, str] = {}
        self.refused: set[str] = set()
        self.waiting: tuple[str, ...] = ()
        self.replacing: tuple[str, ...] = ()
        self.offer = ""
        self.generation = 0
        self._adding: dict[str, str] = {}

    # What it says.

    def initiate(self, kinds: list[str], *, bundle: bool) -> ET.Element:
        self.kinds = {str(index): kind for index, kind in enumerate(kinds)}
        return self.session.initiate(self._describe(self.kinds, "actpass", bundle=bundle))

    def accept(self, refused: set[int]) -> ET.Element:
        """Accept; at least the first m-line is kept."""
        self._learn(self.offer)
        self.refused |= {mid for i, mid in enumerate(self.kinds) if i and i in refused}
        return self.session.accept(self._answer())

    def add(self, kind: str) -> ET.Element:
        mid = f"n{len(self.kinds)}"
        self._adding = {mid: kind}
        return self.session.add_contents(self._describe({**self.kinds, mid: kind}, "actpass"))

    def answer_addition(self, *, taken: bool) -> ET.Element:
        names, self.waiting = self.waiting, ()
        if not taken:
            return self.session.reject_contents(names, Reason.DECLINE)
        self._learn(self.offer)
        return self.session.accept_contents(self._answer())

    def answer_replacement(self) -> ET.Element:
        names, self.replacing = self.replacing, ()
        return self.session.reject_transport(names)

    def remove(self, index: int) -> list[ET.Element]:
        """Take away one content of several."""
        names = self.open()
        if len(names) < 2:
            return []
        name = names[index % len(names)]
        mid = self._mid(name)
        element = self.session.remove_contents([name], Reason.SUCCESS)
        self.refused.add(mid)
        return [element]

    def modify(self, index: int, *, sends: bool) -> ET.Element:
        names = self.open()
        return self.session.modify_content(names[index % len(names)], sends=sends)

    def trickle(self, index: int, port: int, *, complete: bool) -> ET.Element:
        names = self.open()
        candidate = Candidate("f", 1, "udp", 1, "192.0.2.33", port, "host")
        return self.session.candidates(names[index % len(names)], [candidate], complete=complete)

    def restart(self, *, answer: bool) -> list[ET.Element]:
        self.generation += 1
        return self.session.restart(self._describe(self.kinds, "actpass"), answer=answer)

    def info(self, info: Info, index: int | None) -> ET.Element:
        names = self.open()
        return self.session.info(info, None if index is None else names[index % len(names)])

    # What it hears.

    def hear(self, element: ET.Element) -> list[Event]:
        """Receive, and do what a peer connection would do.

        Raises:
            RemoteProtocolError: as `Session.receive`.
        """
        mids = {each.get("name", ""): self._mid(each.get("name", "")) for each in element}
        events = self.session.receive(wire(element))
        for event in events:
            match event:
                case Initiated(offer=offer):
                    self.offer = offer
                case Accepted(answer=answer) | ContentAccepted(answer=answer):
                    self.kinds.update(self._adding)
                    self._adding = {}
                    self._learn(answer)
                case ContentAdded(contents=names, offer=offer):
                    self.waiting, self.offer = names, offer
                case ContentRejected():
                    self._adding = {}
                case ContentRemoved(contents=names):
                    self.refused |= {mids[name] for name in names}
                    self.waiting = tuple(name for name in self.waiting if name not in names)
                case TransportReplaced(contents=names):
                    self.replacing = names
        return events

    # What it knows.

    def open(self) -> list[str]:
        """The names of the contents that are in use."""
        local = self.session._agreement.local
        return [name for name in local.names() if self._is_open(name)]

    @property
    def adding(self) -> bool:
        return bool(self._adding)

    def _is_open(self, name: str) -> bool:
        mid = self._mid(name)
        return mid in self.kinds and mid not in self.refused

    def _mid(self, name: str) -> str:
        return self.session.mid(name) or name

    def _learn(self, text: str) -> None:
        for media in SessionDescription.parse(text).media:
            self.kinds.setdefault(media.rtp.muxId, media.kind)
            if media.port == 0:
                self.refused.add(media.rtp.muxId)

    def _answer(self) -> str:
        bundle = "a=group:BUNDLE" in self.offer
        return self._describe(self.kinds, "active", bundle=bundle)

    def _describe(self, kinds: dict[str, str], setup: str, *, bundle: bool = True) -> str:
        letter = "i" if self.session.role is Role.INITIATOR else "r"
        sections = []
        for mid, kind in kinds.items():
            text = re.sub(r"a=mid:\w+", f"a=mid:{mid}", TEMPLATES[kind])
            text = text.replace("actpass", setup).replace("sendonly", "sendrecv")
            text = text.replace("uf+r", f"uf{letter}{self.generation}")
            text = text.replace("pwpw", f"p{letter}{self.generation % 10}p", 1)
            if self.session.role is Role.RESPONDER:
                text = text.replace(FINGERPRINT, OTHER_FINGERPRINT)
            if mid in self.refused:
                text = re.sub(r"^m=(\w+) \d+", r"m=\1 0", text)
            sections.append(text)
        return sdp(*sections, bundle=bundle)
