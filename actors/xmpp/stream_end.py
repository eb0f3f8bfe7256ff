"""Why a stream ended or never began, and what follows from it (RFC 6120 §4.9.3, §6.5)."""

import re
from enum import StrEnum
from ipaddress import ip_address
from xml.etree.ElementTree import Element

from msgspec import Struct

ERRORS = "urn:ietf:params:xml:ns:xmpp-streams"

#: Characters of the server's own words that are shown.
MAX_WORDS = 200


class Remedy(StrEnum):
    """What an account does about it."""

    #: Try again in seconds, then ever more of them.
    AGAIN = "again"
    #: Try again in minutes: to come back sooner would make it worse.
    LATER = "later"
    #: Connect to the address that the server names.
    ELSEWHERE = "elsewhere"
    #: Give way to another program with the same resource, or take another resource.
    YIELD = "yield"
    #: Take another resource; where it is declared, wait until it is free.
    RENAME = "rename"
    #: Stop, as another try would only fail again; try later if it has worked before.
    GIVE_UP = "give up"
    #: Stop, as the settings look wrong. If they have worked before, the server is in trouble, and
    #: as nothing secret was said yet, it may be asked again in seconds.
    CHECK = "check"


class StreamEnd(Struct, frozen=True):
    """Why a stream ended or never began.

    Attributes:
        reason: what happened and what to do about it, in words without the account's name.
        remedy: what follows.
        address: host and port for `Remedy.ELSEWHERE`; no port is the usual one.
        repeats: whether stanzas that the server may not have are sent again: not where one of
            them may be what the server ended the stream for.
    """

    reason: str
    remedy: Remedy = Remedy.AGAIN
    address: tuple[str, int | None] | None = None
    repeats: bool = True


#: Every condition of RFC 6120 §4.9.3: remedy, whether stanzas are sent again, words.
CONDITIONS: dict[str, tuple[Remedy, bool, str]] = {
    "bad-format": (Remedy.AGAIN, False, "it could not read what was sent: look at its log"),
    "bad-namespace-prefix": (Remedy.AGAIN, False, "it could not read a namespace: look at its log"),
    "conflict": (Remedy.YIELD, True, "another program logged in with the same resource"),
    "connection-timeout": (Remedy.AGAIN, True, "it had heard nothing for too long"),
    "host-gone": (Remedy.LATER, True, "it no longer serves the domain: check the JID"),
    "host-unknown": (
        Remedy.GIVE_UP,
        True,
        "the server does not serve the domain {domain}: check the JID and server.host",
    ),
    "improper-addressing": (Remedy.AGAIN, False, "a stanza lacked its address: look at its log"),
    "internal-server-error": (Remedy.AGAIN, True, "it has a fault of its own: look at its log"),
    "invalid-from": (Remedy.AGAIN, False, "a stanza had another's address: look at its log"),
    "invalid-namespace": (Remedy.AGAIN, False, "it wants another namespace: look at its log"),
    "invalid-xml": (Remedy.AGAIN, False, "it could not take the XML of a stanza: look at its log"),
    "not-authorized": (
        Remedy.LATER,
        True,
        "it no longer lets the account in: check that the account exists, and its password",
    ),
    "not-well-formed": (Remedy.AGAIN, False, "what was sent was no XML: look at its log"),
    "policy-violation": (
        Remedy.LATER,
        False,
        "the account broke one of its rules: look at its log and its limits",
    ),
    "remote-connection-failed": (Remedy.AGAIN, True, "it can't reach a service that it needs"),
    "reset": (Remedy.AGAIN, True, "it wants a new stream, as its settings or keys have changed"),
    "resource-constraint": (Remedy.LATER, True, "it has too much to do: look at its load"),
    "restricted-xml": (Remedy.AGAIN, False, "a stanza had XML that XMPP forbids: look at its log"),
    "see-other-host": (Remedy.ELSEWHERE, True, "it names another host"),
    "system-shutdown": (Remedy.AGAIN, True, "it is shutting down"),
    "undefined-condition": (Remedy.AGAIN, False, "it gives no reason: look at its log"),
    "unsupported-encoding": (Remedy.GIVE_UP, False, "it does not take UTF-8: use another server"),
    "unsupported-feature": (Remedy.GIVE_UP, True, "it wants a feature that Callboard lacks"),
    "unsupported-stanza-type": (Remedy.AGAIN, False, "it does not know a stanza: look at its log"),
    "unsupported-version": (Remedy.GIVE_UP, True, "it does not speak XMPP 1.0: update it"),
}

#: Every condition of RFC 6120 §6.5, the refusals of a login, in the same way.
REFUSALS: dict[str, tuple[Remedy, str]] = {
    "aborted": (Remedy.LATER, "the server's half of the login made no sense: look at its log"),
    "account-disabled": (Remedy.GIVE_UP, "the account is disabled: have it enabled on the server"),
    "credentials-expired": (Remedy.GIVE_UP, "the password has expired: set a new one"),
    "encryption-required": (Remedy.GIVE_UP, "the server wants more encryption: look at its log"),
    "incorrect-encoding": (Remedy.GIVE_UP, "the server can't read the login: look at its log"),
    "invalid-authzid": (Remedy.GIVE_UP, "the server does not take the account's name: check it"),
    "invalid-mechanism": (
        Remedy.GIVE_UP,
        "the server refuses the login mechanism that it offers itself: look at its log",
    ),
    "malformed-request": (Remedy.GIVE_UP, "the server can't read the login: look at its log"),
    "mechanism-too-weak": (
        Remedy.GIVE_UP,
        "the server finds its login mechanisms too weak: enable SCRAM-SHA-256 there",
    ),
    "not-authorized": (
        Remedy.GIVE_UP,
        "the server refused the login: check the password, and that the account exists there",
    ),
    "temporary-auth-failure": (Remedy.AGAIN, "the server can't check logins at present"),
}

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?!.{{256}}){_LABEL}(?:\.{_LABEL})*\.?\Z")


def stream_error(condition: str, detail: str = "") -> str:
    """Return a stream error of ours with the end of the stream (RFC 6120 §4.9.1.1).

    Args:
        condition: one of `CONDITIONS`.
        detail: XML that goes with it.
    """
    return f"<stream:error><{condition} xmlns='{ERRORS}'/>{detail}</stream:error></stream:stream>"


def read_stream_error(error: Element, domain: str) -> StreamEnd:
    """Return what a ``<stream:error/>`` means; one that can't be read means an undefined condition.

    Args:
        error: the element.
        domain: the account's.
    """
    condition, address = "undefined-condition", None
    for one in error:
        namespace, _, name = one.tag.rpartition("}")
        if namespace[1:] == ERRORS and name in CONDITIONS:
            condition = name
            address = read_address(one.text or "") if name == "see-other-host" else None
            break
    remedy, repeats, words = CONDITIONS[condition]
    if remedy is Remedy.ELSEWHERE and address is None:
        remedy, words = Remedy.AGAIN, "it names another host, but no address that can be read"
    if "{domain}" in words:
        return StreamEnd(words.format(domain=domain), remedy, None, repeats)
    said = " ".join((error.findtext(f"{{{ERRORS}}}text") or "").split())[:MAX_WORDS]
    quoted = f", in its words “{said}”" if said.isprintable() and said else ""
    reason = f"the server closed the stream ({condition}{quoted}): {words}"
    return StreamEnd(reason, remedy, address, repeats)


def read_refusal(failure: Element, namespace: str) -> tuple[str, Remedy, str]:
    """Return condition, remedy and words of a SASL ``<failure/>``."""
    for one in failure:
        home, _, name = one.tag.rpartition("}")
        if home[1:] == namespace and name in REFUSALS:
            return name, *REFUSALS[name]
    return "", Remedy.LATER, "the server refused the login and gives no reason: look at its log"


def read_address(text: str) -> tuple[str, int | None] | None:
    """Return the host and port that ``<see-other-host/>`` names (§4.9.3.19).

    Args:
        text: ``host``, ``host:port``, ``[IPv6]`` or ``[IPv6]:port``.

    Returns:
        None if it is none of them; None for the port if there is none.
    """
    text = text.strip()
    bracketed = re.fullmatch(r"\[([^\[\]]{2,64})\](?::([0-9]{1,5}))?", text)
    named = re.fullmatch(r"([^\[\]:\s]{1,1023})(?::([0-9]{1,5}))?", text)
    found = bracketed or named
    if found is None:
        return None
    host = _host(found[1], is_bracketed=bracketed is not None)
    port = None if found[2] is None else int(found[2])
    if host is None or (port is not None and not 0 < port < 65536):
        return None
    return host, port


def _host(text: str, *, is_bracketed: bool) -> str | None:
    try:
        address = ip_address(text)
    except ValueError:
        if is_bracketed:
            return None
    else:
        return str(address) if (address.version == 6) == is_bracketed else None
    try:
        name = text.encode("idna").decode()
    except UnicodeError:
        return None
    return name if _NAME.match(name) else None
