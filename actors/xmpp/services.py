"""STUN and TURN that the account's own server offers: XEP-0215, External Service Discovery."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from ...jingle import RemoteProtocolError
from ...jingle import namespaces as ns
from ...jingle.service import Service, parse_services
from ...media import IceServer
from .reader import Reader

#: What ICE can use.
TYPES = frozenset({"stun", "stuns", "turn", "turns"})
#: Seconds between two looks, where credentials do not lapse earlier.
REFRESH = 3600.0
#: The least seconds between two looks, however soon credentials lapse.
MINIMUM = 60.0


Answered = Callable[[Element | None], None]
Request = Callable[[str, str, Element, Answered], None]


class Services:
    """One look at what a server offers, with the credentials of what is restricted.

    Args:
        domain: the server.
        request: sends an IQ: to whom, of which type, with what; and has its answer told.
        found: told the servers as ICE takes them, and in how many seconds to look again.
        reader: reads the answers.
    """

    def __init__(
        self,
        domain: str,
        request: Request,
        found: Callable[[tuple[IceServer, ...], float], None],
        reader: Reader,
    ) -> None:
        self._domain = domain
        self._request = request
        self._found = found
        self._reader = reader
        self._services: list[Service] = []
        self._open = 0

    def look(self) -> None:
        """Ask for all services, then for the credentials of restricted ones (XEP-0215 §3)."""
        self._ask(Element(f"{{{ns.SERVICES}}}services"), self._listed)

    def _ask(self, payload: Element, answered: Callable[[tuple[Service, ...]], None]) -> None:
        def take(iq: Element | None) -> None:
            answered(self._reader.read(read_services, iq) or ())
            self._open -= 1
            if not self._open:
                self._found(_ice_servers(self._services), until_again(self._services))

        self._open += 1
        self._request(self._domain, "get", payload, take)

    def _listed(self, found: tuple[Service, ...]) -> None:
        for service in found:
            if service.restricted and service.password is None:
                self._ask(_credentials(service), self._services.extend)
            else:
                self._services.append(service)


def read_services(iq: Element | None) -> tuple[Service, ...]:
    """Return what an answer lists that ICE can use; nothing if it is no answer.

    Args:
        iq: the ``<iq/>`` of type result or error; None if there was no answer.
    """
    payload = None if iq is None or iq.get("type") != "result" else next(iter(iq), None)
    if payload is None:
        return ()
    try:
        return tuple(one for one in parse_services(payload) if _usable(one))
    except RemoteProtocolError:
        return ()


def until_again(found: Iterable[Service], now: datetime | None = None) -> float:
    """Return the seconds until the next look: half of what is left of the credentials.

    Args:
        found: the services.
        now: the time; that of the clock if not given.
    """
    left = REFRESH
    at = datetime.now(UTC) if now is None else now
    for one in found:
        try:
            expires = datetime.fromisoformat(one.expires or "")
            if expires.tzinfo is None:
                expires = expires.replace(tzinfo=UTC)
            left = min(left, (expires - at).total_seconds() / 2)
        except (ValueError, OverflowError):  # the first and the last day there is, in some zones
            continue
    return max(MINIMUM, left)


def _ice_servers(found: Iterable[Service]) -> tuple[IceServer, ...]:
    """Return the services as ICE takes them; relays that lack credentials are left out."""
    return tuple(
        IceServer(one.url, one.username, one.password)
        for one in found
        if one.type.startswith("stun") or one.password is not None
    )


def _usable(service: Service) -> bool:
    if service.type not in TYPES:
        return False
    try:
        IceServer(service.url)
    except ValueError:
        return False
    return True


def _credentials(service: Service) -> Element:
    """Return the request for one restricted service's credentials (XEP-0215 §3.3)."""
    element = Element(f"{{{ns.SERVICES}}}credentials")
    attributes = {"type": service.type, "host": service.host}
    if service.port is not None:
        attributes["port"] = str(service.port)
    SubElement(element, f"{{{ns.SERVICES}}}service", attributes)
    return element
