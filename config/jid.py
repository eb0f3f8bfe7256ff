"""XMPP addresses: localpart@domainpart/resourcepart (RFC 7622).

Two spellings of one address must compare equal wherever they come from: the YAML file, a bot, a
command, a stanza. `parse_jid` brings them all to one form. It stands on precis-i18n (RFC 8264 and
8265) and idna (RFC 5891), both of Unicode's present tables. slixmpp's own JID class was weighed: it
is stringprep of Unicode 3.2, so it raises on emoji, and it leaves A-labels as they are.
"""

import ipaddress
import re
from functools import lru_cache

from msgspec import Struct

MAX_BYTES = 1023
"""Bytes that each part may have in UTF-8 (RFC 7622 §3.1)."""

MAX_LENGTH = 3 * MAX_BYTES + 2
"""Bytes that a whole address may have."""

_LOCAL = r"[^\"&'/:<>@A-Z\x00-\x20\x7f]+"
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_FORBIDDEN = re.compile(r"[\"&'/:<>@\s]")
_ASCII_LABEL = re.compile(_LABEL)
_ASCII_RESOURCE = re.compile("[ -~]+")
#: What nearly every address is: in that form already, so that a new one costs one look.
_NORMAL = re.compile(
    rf"(?=[ -~]{{1,255}}\Z)(?:({_LOCAL})@)?((?:(?!xn--){_LABEL}\.)*(?!xn--){_LABEL})(?:/([ -~]+))?"
)


class Jid(Struct, frozen=True):
    """An XMPP address in the form in which addresses are compared.

    Attributes:
        local: The localpart; empty for a server's address.
        domain: The domainpart: U-labels, without a trailing dot.
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


@lru_cache(maxsize=4096)
def parse_jid(text: str) -> Jid:
    """Read an address and bring it to the form in which addresses are compared (RFC 7622 §3).

    The localpart becomes what PRECIS's UsernameCaseMapped makes of it, the resourcepart what
    OpaqueString does; the domainpart goes to lower case, to NFC and from A-labels to U-labels.

    Args:
        text: The address.

    Returns:
        Its parts. To parse the text of them gives the same.

    Raises:
        ValueError: It is none; the sentence says why.
    """
    normal = _NORMAL.fullmatch(text)
    if normal is not None:
        return Jid(normal[1] or "", normal[2], normal[3] or "")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{_show(text)} has over {MAX_LENGTH:,} characters: no address is so long")
    # The separators are looked for before anything is mapped (RFC 7622 §3.1).
    bare, slash, resource = text.partition("/")
    local, at, domain = bare.rpartition("@")
    if at and not local:
        raise ValueError(f"{_show(text)} has nothing before the @: name the user")
    if slash and not resource:
        raise ValueError(f"{_show(text)} has nothing after the /: remove the /")
    return Jid(
        _bounded("user name", _local(local, text), text),
        _bounded("domain", _domain(domain, text), text),
        _bounded("resource", _resource(resource, text), text),
    )


@lru_cache(maxsize=4096)
def normal_jid(text: str) -> str:
    """Return an address in the form in which addresses are compared.

    Args:
        text: The address.

    Raises:
        ValueError: It is none; the sentence says why.
    """
    return str(parse_jid(text))


def comparable(jid: str) -> str:
    """Return an address in the form in which addresses are compared; what is none, as it is.

    Args:
        jid: The address, or what stands in its place.
    """
    try:
        return normal_jid(jid)
    except ValueError:
        return jid


def is_jid(text: str) -> bool:
    """Tell whether a text is an address.

    Args:
        text: The text.
    """
    try:
        parse_jid(text)
    except ValueError:
        return False
    return True


def bare(jid: str) -> str:
    """Return an address without its resource, in the form in which addresses are compared.

    Args:
        jid: The address.
    """
    return comparable(jid).partition("/")[0]


def is_full(jid: str) -> bool:
    """Tell whether an address has a resource.

    Args:
        jid: The address.
    """
    return "/" in jid


def _bounded(name: str, part: str, text: str) -> str:
    if len(part.encode()) > MAX_BYTES:
        raise ValueError(f"the {name} of {_show(text)} has over {MAX_BYTES:,} bytes")
    return part


def _local(local: str, text: str) -> str:
    if not local:
        return ""
    try:
        local = local.lower() if local.isascii() else _mapped_user(local)
    except UnicodeEncodeError as error:
        raise _refusal("user name", text, error) from None
    for character in local:
        if not character.isprintable() or _FORBIDDEN.match(character):
            raise ValueError(f"the user name of {_show(text)} can't contain {character!r}")
    return local


def _mapped_user(local: str) -> str:
    from .beyond_ascii import mapped_user  # noqa: PLC0415 - see there

    return mapped_user(local)


def _resource(resource: str, text: str) -> str:
    if not resource or _ASCII_RESOURCE.fullmatch(resource):
        return resource
    try:
        from .beyond_ascii import mapped_resource  # noqa: PLC0415 - see there

        return mapped_resource(resource)
    except UnicodeEncodeError as error:
        raise _refusal("resource", text, error) from None


def _refusal(name: str, text: str, error: UnicodeEncodeError) -> ValueError:
    if error.reason.endswith("bidi_rule"):
        return ValueError(
            f"the {name} of {_show(text)} mixes right-to-left text with text that can't go with "
            "it (RFC 5893): choose another one"
        )
    found = error.object[max(0, error.start)]
    return ValueError(f"the {name} of {_show(text)} can't contain {found!r}")


def normal_domain(domain: str) -> str:
    """Return a domain in the form in which domains are compared (RFC 7622 §3.2).

    Args:
        domain: A domain name, in U-labels or A-labels, or an IP address.

    Returns:
        U-labels in lower case without a trailing dot; an IPv6 address is in brackets.

    Raises:
        ValueError: It is none; the sentence says why.
    """
    return _domain(domain, domain)


def _domain(domain: str, text: str) -> str:
    if not domain.removesuffix("."):
        raise ValueError(f"{_show(text)} has no domain: write it like user@example.org")
    try:
        if domain.startswith("[") and domain.endswith("]") and "%" not in domain:
            return f"[{ipaddress.IPv6Address(domain[1:-1]).compressed}]"
        mapped = domain.lower() if domain.isascii() else _mapped_domain(domain)
        found = ".".join(_label(label) for label in mapped.removesuffix(".").split("."))
    except (ValueError, IndexError):  # idna's errors are ValueErrors; "xn--" alone is an IndexError
        found = ""
    if not found or len(found) > 253:
        raise ValueError(f"{_show(text)} is not an address: {_show(domain)} is not a domain name")
    return found


def _mapped_domain(domain: str) -> str:
    from .beyond_ascii import mapped_domain  # noqa: PLC0415 - see there

    return mapped_domain(domain)


def _label(label: str) -> str:
    if _ASCII_LABEL.fullmatch(label) and not label.startswith("xn--"):
        return label
    from .beyond_ascii import mapped_label  # noqa: PLC0415 - see there

    return mapped_label(label)


def check_domain(domain: str, text: str | None = None) -> None:
    """Check that a text is a domain name or an IP address.

    Args:
        domain: In lower case; an IPv6 address may stand without brackets.
        text: What to quote when it is none; the domain itself if left out.

    Raises:
        ValueError: It is none.
    """
    try:
        ipaddress.ip_address(domain)
    except ValueError:
        _domain(domain, domain if text is None else text)


def _show(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
