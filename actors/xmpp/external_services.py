"""STUN and TURN that the account's own server offers: XEP-0215, External Service Discovery."""

from collections.abc import Iterable
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from ...jingle import RemoteProtocolError
from ...jingle import namespaces as ns
from ...jingle.external_service import Service, parse_services
from ...media import IceServer
from .safe_reader import Reader

#: What ICE can use.
TYPES = frozenset({"stun", "stuns", "turn", "turns"})
#: Seconds between two looks, where credentials do not lapse earlier.
REFRESH = 3600.0
#: The least seconds between two looks, however soon credentials lapse.
MINIMUM = 60.0


class Services:
    """One look at what a server offers, with the credentials of what is restricted.

    Args:
        reader: reads the answers.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._found: list[Service] = []
        self._open = 1

    @staticmethod
    def ask() -> Element:
        """Return the first request, for all services (XEP-0215 §3.1)."""
        return Element(f"{{{ns.SERVICES}}}services")

    def listed(self, iq: Element | None) -> list[Element]:
        """Take the answer to the first request.

        Returns:
            The requests for the credentials that are still wanted (XEP-0215 §3.3).
        """
        wanted = []
        for service in self._reader.read(read_services, iq) or ():
            if service.restricted and service.password is None:
                wanted.append(_credentials(service))
            else:
                self._found.append(service)
        self._open += len(wanted) - 1
        return wanted

    def admitted(self, iq: Element | None) -> None:
        """Take the answer to a request for credentials."""
        self._found.extend(self._reader.read(read_services, iq) or ())
        self._open -= 1

    @property
    def is_complete(self) -> bool:
        """Whether each request has its answer."""
        return not self._open

    def ice_servers(self) -> tuple[IceServer, ...]:
        """Return what was found as ICE takes it; relays that lack credentials are left out."""
        return tuple(
            IceServer(one.url, one.username, one.password)
            for one in self._found
            if one.type.startswith("stun") or one.password is not None
        )

    def until_again(self) -> float:
        """Return the seconds until the next look."""
        return until_again(self._found)


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
