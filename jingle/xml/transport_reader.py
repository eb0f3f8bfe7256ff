"""A ``<transport/>`` in, its model out (XEP-0176, 0177, 0320, 0343)."""

import ipaddress
import re
from xml.etree.ElementTree import Element

from .. import namespaces as ns
from ..errors import bad_request
from ..model import limits
from ..model.candidate import TYPES, Candidate
from ..model.fingerprint import Fingerprint
from ..model.transport import (
    SETUPS,
    Association,
    IceTransport,
    RawUdpTransport,
    Transport,
    UnknownTransport,
)
from .attributes import (
    children,
    hint,
    hinted,
    number,
    required_number,
    required_word,
    some,
    text_of,
    token,
    word,
)

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_\-.]*[A-Za-z0-9_])?\.?")


def read_transport(transport: Element, namespace: str) -> Transport:
    """Read a ``<transport/>``.

    Args:
        transport: The element.
        namespace: Its namespace.

    Raises:
        RemoteProtocolError: bad-request or policy-violation.
    """
    if namespace == ns.RAW_UDP:
        return RawUdpTransport(
            some(
                lambda each: (_read_address(each, "ip"), required_number(each, "port", 0, 65535)),
                children(transport, f"{{{ns.RAW_UDP}}}candidate", limits.CANDIDATES),
            )
        )
    if namespace != ns.ICE_UDP:
        return UnknownTransport(namespace)
    return _read_ice(transport)


def _read_ice(transport: Element) -> IceTransport:
    told = list(children(transport, f"{{{ns.DTLS}}}fingerprint", limits.FINGERPRINTS))
    told = told or list(children(transport, f"{{{ns.DTLS_DRAFT}}}fingerprint", limits.FINGERPRINTS))
    fingerprints = some(_read_fingerprint, told)
    # What is no hash is kept only to say that there was one.
    true = tuple(each for each in fingerprints if each[0].well_formed)
    fingerprints = true or fingerprints
    associations = some(
        _read_association, children(transport, f"{{{ns.SCTP}}}sctpmap", limits.GROUPS)
    )
    return IceTransport(
        ufrag=word(transport, "ufrag"),
        pwd=word(transport, "pwd"),
        candidates=some(
            _read_candidate,
            children(transport, f"{{{ns.ICE_UDP}}}candidate", limits.CANDIDATES),
        ),
        gathering_complete=any(
            transport.find(f"{{{each}}}gathering-complete") is not None
            for each in (ns.ICE_UDP, ns.ICE)
        ),
        fingerprints=tuple(each for each, _ in fingerprints),
        setup=next((setup for _, setup in fingerprints if setup is not None), None),
        association=associations[-1] if associations else None,
    )


def _read_fingerprint(element: Element) -> tuple[Fingerprint, str | None]:
    setup = text_of(element, "setup") or None
    if setup is not None and setup not in SETUPS:
        raise bad_request("the setup of a fingerprint is not actpass, active or passive")
    return Fingerprint.told(token(element, "hash") or "", element.text or ""), setup


def _read_association(element: Element) -> Association:
    return Association(
        required_number(element, "number", 1, 65535),
        token(element, "protocol") or "webrtc-datachannel",
        number(element, "streams", 0, 65535),
    )


def _read_address(element: Element, key: str) -> str:
    value = required_word(element, key, 253)
    try:
        ipaddress.ip_address(value)
    except ValueError:
        if not _HOST.fullmatch(value):
            raise bad_request(f"{key!r} of a candidate is no address") from None
    return value


def _read_candidate(element: Element) -> Candidate:
    kind = required_word(element, "type")
    if kind not in TYPES:
        raise bad_request("the type of a candidate is not host, srflx, prflx or relay")
    return Candidate(
        foundation=required_word(element, "foundation"),
        component=required_number(element, "component", 0, 256),
        protocol=required_word(element, "protocol", 32).lower(),
        priority=required_number(
            element, "priority", 0, 2**63 - 1
        ),  # XEP-0176 itself has one > 2³²
        ip=required_word(element, "ip", 253),  # whether it is an address shows if it is usable
        port=required_number(element, "port", 0, 65535),
        type=kind,
        related_address=hinted(_read_address, element, "rel-addr"),
        related_port=hint(element, "rel-port", 0, 65535),
        tcp_type=hinted(word, element, "tcptype", 32),
        generation=hint(element, "generation", 0, 2**31) or 0,
        id=hinted(text_of, element, "id"),
        network=hint(element, "network", 0, 2**31),
    )
