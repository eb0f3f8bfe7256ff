"""How SASL goes over a stream: as RFC 6120 §6 has it, or as XEP-0388 does."""

from base64 import b64decode, b64encode
from typing import Protocol
from xml.etree.ElementTree import Element

from .markup import escape

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
SASL2 = "urn:xmpp:sasl:2"


class SaslProfile(Protocol):
    """The elements of one exchange."""

    #: Of all of them.
    namespace: str
    #: Whether more can be asked for with the login, and the same stream goes on after it.
    takes_inline: bool

    def mechanisms(self, features: Element) -> frozenset[str]:
        """Return the names of the mechanisms that a server offers in this way."""

    def authenticate(self, mechanism: str, initial: bytes | None, inline: str) -> str:
        """Return what begins the exchange.

        Args:
            mechanism: its name.
            initial: the first response; None if the server is to begin.
            inline: XML with what else is asked for at once, where that can be.
        """

    def proof(self, success: Element) -> bytes:
        """Return what a mechanism makes of a ``<success/>``."""


class PlainProfile:
    """RFC 6120 §6: a login alone; a new stream follows."""

    namespace = SASL
    takes_inline = False

    def mechanisms(self, features: Element) -> frozenset[str]:
        """Return the names of the mechanisms that a server offers in this way."""
        return _texts(features, f"{{{SASL}}}mechanisms/{{{SASL}}}mechanism")

    def authenticate(self, mechanism: str, initial: bytes | None, inline: str) -> str:
        """Return the ``<auth/>`` (§6.4.2); nothing can be asked for with it."""
        del inline
        text = "" if initial is None else b64encode(initial).decode() or "="
        return f"<auth xmlns='{SASL}' mechanism='{escape(mechanism)}'>{text}</auth>"

    def proof(self, success: Element) -> bytes:
        """Return what is in the ``<success/>`` (§6.4.6)."""
        return data(success)


class ExtensibleProfile:
    """XEP-0388: a login that brings a resource and a session with it; the same stream goes on."""

    namespace = SASL2
    takes_inline = True

    def mechanisms(self, features: Element) -> frozenset[str]:
        """Return the names of the mechanisms that a server offers in this way."""
        return _texts(features, f"{{{SASL2}}}authentication/{{{SASL2}}}mechanism")

    def authenticate(self, mechanism: str, initial: bytes | None, inline: str) -> str:
        """Return the ``<authenticate/>`` (§2.4)."""
        text = "" if initial is None else b64encode(initial).decode()
        first = "" if initial is None else f"<initial-response>{text}</initial-response>"
        return (
            f"<authenticate xmlns='{SASL2}' mechanism='{escape(mechanism)}'>"
            f"{first}{inline}</authenticate>"
        )

    def proof(self, success: Element) -> bytes:
        """Return the additional data of the ``<success/>`` (§2.6.2)."""
        additional = success.find(f"{{{SASL2}}}additional-data")
        return b"" if additional is None else data(additional)


def profile_of(features: Element) -> SaslProfile:
    """Return the way in which to log in: the extensible one where the server has it."""
    extensible = ExtensibleProfile()
    return extensible if extensible.mechanisms(features) else PlainProfile()


def data(element: Element) -> bytes:
    """Return the octets of a challenge or a ``<success/>``; nothing if they can't be read."""
    text = (element.text or "").strip()
    try:
        return b"" if text == "=" else b64decode(text)
    except ValueError:
        return b""


def _texts(features: Element, path: str) -> frozenset[str]:
    return frozenset(each.text or "" for each in features.iterfind(path))
