"""Errors of the protocol, told apart by whose fault they are, as in h11."""

from xml.etree.ElementTree import Element, SubElement

from . import namespaces as ns

# RFC 6120 §8.3.3 gives each condition its usual type; XEP-0166 §10 the ones that Jingle adds to.
_TYPES = {
    "bad-request": "modify",
    "conflict": "cancel",
    "feature-not-implemented": "modify",
    "item-not-found": "cancel",
    "not-acceptable": "cancel",
    "policy-violation": "modify",
    "service-unavailable": "cancel",
    "unexpected-request": "wait",
}


class LocalProtocolError(Exception):
    """We asked for what the protocol or the session's state does not allow. It is our bug."""


class RemoteProtocolError(Exception):
    """The peer broke the protocol. Answer its IQ with this error (XEP-0166 §10).

    Attributes:
        condition: The defined condition (RFC 6120 §8.3.3), such as ``bad-request``.
        jingle_condition: The condition of ``urn:xmpp:jingle:errors:1``, if there is one:
            ``out-of-order``, ``tie-break``, ``unknown-session``, ``unsupported-info`` or
            ``security-required``.
        text: A sentence for whoever reads the peer's log.
    """

    def __init__(
        self, condition: str, text: str = "", *, jingle_condition: str | None = None
    ) -> None:
        super().__init__(f"{condition}: {text}" if text else condition)
        self.condition = condition
        self.jingle_condition = jingle_condition
        self.text = text

    @property
    def type(self) -> str:
        """The stanza error's type (RFC 6120 §8.3.2): cancel, modify or wait."""
        return _TYPES.get(self.condition, "cancel")

    def to_element(self) -> Element:
        """Return the ``<error/>`` for the IQ's reply, in ``jabber:client`` (RFC 6120 §8.3)."""
        error = Element("{jabber:client}error", {"type": self.type})
        SubElement(error, f"{{{ns.STANZAS}}}{self.condition}")
        if self.text:
            text = SubElement(error, f"{{{ns.STANZAS}}}text")
            text.text = self.text
        if self.jingle_condition is not None:
            SubElement(error, f"{{{ns.ERRORS}}}{self.jingle_condition}")
        return error


def bad_request(text: str) -> RemoteProtocolError:
    """Return the error for a malformed element (XEP-0166 §6.3, ``bad-request``)."""
    return RemoteProtocolError("bad-request", text)


def too_much(text: str) -> RemoteProtocolError:
    """Return the error for more than we hold (RFC 6120 §8.3.3.12, policy-violation)."""
    return RemoteProtocolError("policy-violation", text)


def out_of_order(text: str) -> RemoteProtocolError:
    """Return the error for an action that the state does not allow (XEP-0166 §10, out-of-order)."""
    return RemoteProtocolError("unexpected-request", text, jingle_condition="out-of-order")


def unknown_session(sid: str = "") -> RemoteProtocolError:
    """Return the error for a session that the account does not have (XEP-0166 §10).

    Args:
        sid: The session id that the peer named, for the text.
    """
    text = f"there is no session {sid[:100]!r} with you" if sid else ""
    return RemoteProtocolError("item-not-found", text, jingle_condition="unknown-session")


def tie_break_error() -> RemoteProtocolError:
    """Return the error for a request that loses to our own of the same kind (XEP-0166 §7.2.16)."""
    return RemoteProtocolError(
        "conflict", "our own request came first", jingle_condition="tie-break"
    )


def unsupported_info(text: str) -> RemoteProtocolError:
    """Return the error for an unknown payload of session-info or security-info (XEP-0166 §6.8)."""
    return RemoteProtocolError("feature-not-implemented", text, jingle_condition="unsupported-info")
