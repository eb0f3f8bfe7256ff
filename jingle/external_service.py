"""The STUN and TURN servers that an XMPP server offers (XEP-0215, External Service Discovery)."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from . import namespaces as ns
from .errors import RemoteProtocolError, bad_request
from .model import limits
from .xml.attributes import children, number, required_word, text_of, word


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a server.

    Attributes:
        type: Such as ``stun``, ``stuns``, ``turn`` or ``turns``, in lower case.
        host: Name or address.
        port: None for the usual one.
        transport: ``udp`` or ``tcp``; None if not told.
        username: For TURN.
        password: For TURN; not shown by ``repr``.
        expires: When the credentials lapse, in the format of XEP-0082.
        restricted: Whether credentials must be asked for.
        action: ``add``, ``delete`` or ``modify`` in a push (§4); None in a result.
    """

    type: str
    host: str
    port: int | None = None
    transport: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    expires: str | None = None
    restricted: bool = False
    action: str | None = None

    @property
    def url(self) -> str:
        """The URL for an ICE server (RFC 7064, RFC 7065).

        STUN gets no query: Chromium refuses ``?transport=`` after ``stun:``.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port is not None else ""
        query = f"?transport={self.transport}" if self.transport else ""
        return f"{self.type}:{host}{port}{query if self.type.startswith('turn') else ''}"


def parse_services(element: Element) -> tuple[Service, ...]:
    """Read a ``<services/>`` or ``<credentials/>`` (XEP-0215 §3).

    Args:
        element: The element.

    Returns:
        The services, without malformed ones.

    Raises:
        RemoteProtocolError: The element is another one, or lists too many services.
    """
    if element.tag not in {f"{{{ns.SERVICES}}}services", f"{{{ns.SERVICES}}}credentials"}:
        raise bad_request("this is no <services/> of XEP-0215")
    found = []
    for each in children(element, f"{{{ns.SERVICES}}}service", limits.SERVICES):
        try:
            found.append(_read_service(each))
        except RemoteProtocolError:
            continue
    return tuple(found)


def _read_service(element: Element) -> Service:
    return Service(
        type=required_word(element, "type").lower(),
        host=required_word(element, "host"),
        port=number(element, "port", 1, 65535),
        transport=(word(element, "transport") or "").lower() or None,
        username=text_of(element, "username"),
        password=text_of(element, "password"),
        expires=text_of(element, "expires"),
        restricted=text_of(element, "restricted") in {"true", "1"},
        action=word(element, "action"),
    )
