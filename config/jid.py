"""XMPP addresses: localpart@domainpart/resourcepart (RFC 7622)."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

MAX_BYTES = 1023
"""Bytes that each part may have in UTF-8 (RFC 7622 §3.1)."""

_FORBIDDEN = frozenset("\"&'/:<>@")
_LABEL = re.compile(r"(?!-)[\w-]{1,63}(?<!-)")


@dataclass(frozen=True, slots=True)
class Jid:
    """An XMPP address.

    Attributes:
        local: The localpart, in lower case; empty for a server's address.
        domain: The domainpart, in lower case and without a trailing dot.
        resource: The resourcepart; empty for a bare address.
    """

    local: str
    domain: str
    resource: str = ""

    @property
    def bare(self) -> str:
        """The address without its resource."""
        return f"{self.local}@{self.domain}" if self.local else self.domain

    def __str__(self) -> str:
        return f"{self.bare}/{self.resource}" if self.resource else self.bare


def parse_jid(text: str) -> Jid:
    """Read an address and bring it to the form in which addresses are compared.

    Sizes and forbidden characters are checked, and case is folded as RFC 7622 §3.2 and §3.3 have
    it; of the PRECIS classes only spaces and control characters are looked at, for the server
    has the last word on them.

    Args:
        text: The address.

    Returns:
        Its parts.

    Raises:
        ValueError: It is none; the sentence says why.
    """
    bare, slash, resource = unicodedata.normalize("NFC", text).partition("/")
    local, at, domain = bare.rpartition("@")
    domain = domain.lower().removesuffix(".")
    local = local.lower()
    if at and not local:
        raise ValueError(f"{_show(text)} has nothing before the @: name the user")
    if slash and not resource:
        raise ValueError(f"{_show(text)} has nothing after the /: leave the / out")
    for name, part in (("user name", local), ("domain", domain), ("resource", resource)):
        if len(part.encode()) > MAX_BYTES:
            raise ValueError(f"the {name} of {_show(text)} has over {MAX_BYTES:,} bytes")
    for name, part, bad in (("user name", local, _FORBIDDEN), ("resource", resource, frozenset())):
        spaces = name == "user name"
        for character in part:
            if character in bad or not (
                character.isprintable() and not (spaces and character.isspace())
            ):
                raise ValueError(f"the {name} of {_show(text)} may not hold {character!r}")
    check_domain(domain, text)
    return Jid(local, domain, resource)


def check_domain(domain: str, text: str | None = None) -> None:
    """Check that a text is a domain name or an IP address (RFC 7622 §3.2).

    Args:
        domain: In lower case.
        text: What to quote when it is none; the domain itself if left out.

    Raises:
        ValueError: It is none.
    """
    shown = _show(domain if text is None else text)
    if not domain:
        raise ValueError(f"{shown} has no domain: write it like user@example.org")
    try:
        ipaddress.ip_address(domain.removeprefix("[").removesuffix("]"))
    except ValueError:
        pass
    else:
        return
    if not all(_LABEL.fullmatch(label) for label in domain.split(".")) or len(domain) > 253:
        raise ValueError(f"{shown} is no address: {_show(domain)} is not a domain name")


def _show(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
