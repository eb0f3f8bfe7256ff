"""Service discovery and entity capabilities: XEP-0030 and XEP-0115.

What an account says of itself is computed once for each pair (audio, video) and shared. What peers
say of themselves is remembered for the whole process under the hash that they announce.
"""

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from functools import lru_cache
from xml.etree.ElementTree import Element, SubElement

from ...jingle import FEATURES
from ...jingle import namespaces as ns

DISCO_INFO = "http://jabber.org/protocol/disco#info"
DISCO_ITEMS = "http://jabber.org/protocol/disco#items"
CAPS = "http://jabber.org/protocol/caps"
PING = "urn:xmpp:ping"
CARBONS = "urn:xmpp:carbons:2"
JINGLE_MESSAGE = "urn:xmpp:jingle-message:0"
JINGLE_RTP = "urn:xmpp:jingle:apps:rtp:1"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
#: Names the software in ``<c node=…/>`` (XEP-0115 §4); it is an identifier, nothing is fetched.
NODE = "urn:callboard"
IDENTITY = ("client", "bot", "Callboard")
_BASE = (DISCO_INFO, DISCO_ITEMS, CAPS, PING, CARBONS)
_CALLS = (ns.CALL_INVITE, ns.SCTP)
#: The feature by which a client says that it takes a kind of content.
_KINDS = {"audio": ns.RTP_AUDIO, "video": ns.RTP_VIDEO, "application": ns.SCTP}
#: Remembered answers of peers at the most; the oldest goes first.
MAX_KNOWN = 1024
#: Features that one answer may list.
MAX_FEATURES = 512


@lru_cache(maxsize=4)
def features(audio: bool, video: bool) -> tuple[str, ...]:
    """Return the features of an account that takes these kinds of call, sorted (XEP-0030 §3.1)."""
    jingle = (*FEATURES(audio, video), *_CALLS) if audio or video else ()
    return tuple(sorted({*_BASE, *jingle}))


@lru_cache(maxsize=4)
def verification(audio: bool, video: bool) -> str:
    """Return our own verification string (XEP-0115 §5.1)."""
    category, kind, name = IDENTITY
    return digest([f"{category}/{kind}//{name}"], features(audio, video))


def digest(identities: Iterable[str], offered: Iterable[str]) -> str:
    """Return the SHA-1 verification string of XEP-0115 §5.1.

    Args:
        identities: ``category/type/lang/name`` of each identity.
        offered: the features.
    """
    parts = [*sorted(identities), *sorted(offered)]
    text = "".join(part + "<" for part in parts)
    return b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()


def refused(offered: frozenset[str]) -> frozenset[str]:
    """Return the kinds of content that a client can't take, by what it says of itself.

    Args:
        offered: its features. One that does not say that it takes calls may take anything.
    """
    if JINGLE_RTP not in offered:
        return frozenset()
    kinds = frozenset(kind for kind, feature in _KINDS.items() if feature not in offered)
    # XEP-0167 §10 leaves it open whether to say of the kind of media: then it may be either.
    return kinds - {"audio", "video"} if {"audio", "video"} <= kinds else kinds


def is_unambiguous(query: Element) -> bool:
    """Tell whether an answer can be read from its verification string in one way only.

    Parts are joined by ``<`` and those of an identity by ``/``. With either in a name, one answer
    can be cut into the parts of another that has the same hash (XEP-0115 §8.1, XEP-0390 §1).
    Neither may there be a part twice (XEP-0115 §5.4), or no identity (XEP-0030 §3.1).
    """
    if any(
        "<" in text for part in query.iter() for text in (*part.attrib.values(), part.text or "")
    ):
        return False
    identities = [
        (one.get("category", ""), one.get("type", ""), one.get(LANGUAGE, ""))
        for one in query.iterfind(f"{{{DISCO_INFO}}}identity")
    ]
    offered = [one.get("var", "") for one in query.iterfind(f"{{{DISCO_INFO}}}feature")]
    return (
        all(
            category and kind and "/" not in category + kind + language
            for category, kind, language in identities
        )
        and bool(identities)
        and all(offered)
        and len(set(offered)) == len(offered)
        and len(set(identities)) == len(identities)
    )


def caps(audio: bool, video: bool) -> Element:
    """Return the ``<c/>`` that goes into presence (XEP-0115 §4)."""
    attributes = {"hash": "sha-1", "node": NODE, "ver": verification(audio, video)}
    return Element(f"{{{CAPS}}}c", attributes)


def info(audio: bool, video: bool, node: str | None = None) -> Element:
    """Return the answer to a disco#info query (XEP-0030 §3.1), with the node that was asked."""
    query = Element(f"{{{DISCO_INFO}}}query", {"node": node} if node else {})
    category, kind, name = IDENTITY
    attributes = {"category": category, "type": kind, "name": name}
    SubElement(query, f"{{{DISCO_INFO}}}identity", attributes)
    for feature in features(audio, video):
        SubElement(query, f"{{{DISCO_INFO}}}feature", {"var": feature})
    return query


def announced(presence: Element) -> str:
    """Return what a presence announces, as ``node#ver``, or "" (XEP-0115 §4)."""
    element = presence.find(f"{{{CAPS}}}c")
    if element is None or not element.get("ver") or element.get("hash") != "sha-1":
        return ""
    return f"{element.get('node', '')}#{element.get('ver')}"[:512]


class Known:
    """What peers' capabilities turned out to be, by their announced ``node#ver``."""

    def __init__(self) -> None:
        self._features: dict[str, frozenset[str]] = {}

    def get(self, announcement: str) -> frozenset[str] | None:
        """Return the features behind an announcement, or None if nobody has asked yet."""
        return self._features.get(announcement)

    def learn(self, announcement: str, query: Element) -> frozenset[str]:
        """Remember an answer under its announcement if the hash is right (XEP-0115 §5.4).

        Args:
            announcement: the ``node#ver`` that the presence had, or "".
            query: the ``<query/>`` of the disco#info result.

        Returns:
            the features in it, whether or not they were remembered.
        """
        found = query.findall(f"{{{DISCO_INFO}}}feature")[:MAX_FEATURES]
        offered = frozenset(element.get("var", "") for element in found)
        identities = [
            f"{one.get('category', '')}/{one.get('type', '')}/"
            f"{one.get(LANGUAGE, '')}/{one.get('name', '')}"
            for one in query.findall(f"{{{DISCO_INFO}}}identity")[:32]
        ]
        # An answer with a data form (XEP-0128) hashes over more than this; it is asked for again
        # by the next account, which costs one request and can poison nothing.
        if is_unambiguous(query) and announcement.endswith("#" + digest(identities, offered)):
            while len(self._features) >= MAX_KNOWN:
                del self._features[next(iter(self._features))]
            self._features[announcement] = offered
        return offered


#: One for the process: thousands of accounts meet the same few programs.
KNOWN = Known()
