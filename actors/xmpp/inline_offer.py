"""What a server does together with a login, and how to ask for it (XEP-0388 §2.3, XEP-0386)."""

from xml.etree.ElementTree import Element

from msgspec import Struct

from .fast import FAST
from .resumption import ENABLE, SM
from .sasl_profile import SASL2

BIND2 = "urn:xmpp:bind:0"

_INLINE = f"{{{SASL2}}}authentication/{{{SASL2}}}inline"
_BOUND = f"{{{BIND2}}}bind/{{{BIND2}}}inline/{{{BIND2}}}feature"


class InlineOffer(Struct, frozen=True):
    """What can be had with a login, in one round trip.

    Attributes:
        binds: a resource, whose name the server chooses (XEP-0386).
        enables: stream management for it.
        resumes: a session that is still there (XEP-0198 §5).
        tokens: the mechanisms for tokens (XEP-0484).
    """

    binds: bool = False
    enables: bool = False
    resumes: bool = False
    tokens: frozenset[str] = frozenset()

    @classmethod
    def read(cls, features: Element) -> "InlineOffer":
        """Return what stream features offer; nothing without XEP-0388."""
        inline = features.find(_INLINE)
        if inline is None:
            return cls()
        mechanisms = inline.iterfind(f"{{{FAST}}}fast/{{{FAST}}}mechanism")
        return cls(
            binds=inline.find(f"{{{BIND2}}}bind") is not None,
            enables=any(each.get("var") == SM for each in inline.iterfind(_BOUND)),
            resumes=inline.find(f"{{{SM}}}sm") is not None,
            tokens=frozenset(each.text or "" for each in mechanisms),
        )


def user_agent(client: str) -> str:
    """Return who logs in (XEP-0388 §2.4).

    Args:
        client: its UUID.
    """
    return f"<user-agent id='{client}'><software>Callboard</software></user-agent>"


def bind_request(*, enables: bool) -> str:
    """Return the request for a resource (XEP-0386 §3.2).

    Args:
        enables: with stream management.
    """
    return f"<bind xmlns='{BIND2}'><tag>callboard</tag>{ENABLE if enables else ''}</bind>"


def token_request(mechanism: str) -> str:
    """Return the request for a token (XEP-0484 §3.2).

    Args:
        mechanism: what it is for.
    """
    return f"<request-token xmlns='{FAST}' mechanism='{mechanism}'/>"


TOKEN_USED = f"<fast xmlns='{FAST}'/>"
"""Says that the login is by a token (XEP-0484 §3.3)."""
