"""Where the accounts log in."""

import ssl
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator
from pydantic_core.core_schema import ValidationInfo

from .jid import check_domain
from .model import Count, FolderPath, Model

EMBEDDED: Final = "embedded"
"""What stands in the place of a server's name for a private one."""
EMBEDDED_HOST = "localhost"
"""The one domain that the embedded server serves."""
LIKE = 0.8
"""How much a name is like ``embedded`` that is taken for it, misspelled (1: it is the same)."""
PORTS = {"starttls": 5222, "direct": 5223}
"""Where servers listen by convention (RFC 6120 §14.7, XEP-0368)."""


class Embedded(Model):
    """A private Prosody is started for this run, on loopback alone, and removed after it."""

    host: Literal["embedded"] = EMBEDDED
    port: Count | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Its TCP port on 127.0.0.1. If left out, a free one, which is logged.",
    )

    @property
    def domain(self) -> str:
        """The one domain that it serves."""
        return EMBEDDED_HOST


class Server(Model):
    """A server that runs elsewhere."""

    host: str | None = Field(
        default=None,
        description="The server's name or IP address. If left out, each account's server is "
        "looked up by the domain of its JID (DNS SRV, RFC 6120 §3.2.1).",
        examples=["xmpp.example.org"],
    )
    port: Count | None = Field(
        default=None,
        ge=1,
        le=65535,
        description="Its TCP port. If left out, 5222, or 5223 with `tls: direct`.",
    )
    tls: Literal["starttls", "direct"] = Field(
        default="starttls",
        description="How TLS starts: `starttls` on the XMPP port (RFC 6120 §5), or `direct` "
        "from the first byte (XEP-0368). TLS can't be turned off.",
    )
    ca: FolderPath | None = Field(
        default=None,
        description="A PEM file with the authorities to trust instead of the system's, for a "
        "server with a certificate of its own.",
        examples=["ca.pem"],
    )

    @field_validator("host")
    @classmethod
    def _check_host(cls, host: str | None) -> str | None:
        if host == "":
            raise ValueError("the name is empty: give one, or leave it out")
        if host is not None:
            check_domain(host.lower())
            _check_meant(host.lower())
        return host and host.lower()

    @field_validator("port")
    @classmethod
    def _check_port(cls, port: int | None, info: ValidationInfo) -> int | None:
        if port is not None and info.data.get("host", "") is None:
            raise ValueError("there is a port but no host: give the host too")
        return port

    @field_validator("ca")
    @classmethod
    def _check_ca(cls, ca: Any) -> Any:
        return check_authorities(ca)


def _check_meant(host: str) -> None:
    """Refuse what looks like ``embedded``, misspelled."""
    if "." not in host and get_close_matches(host, [EMBEDDED], 1, LIKE):
        raise ValueError(
            f"{host!r} would be a server's name: did you mean 'embedded'? Else give the name with "
            "its domain, like xmpp.example.org"
        )


def check_authorities(ca: Any) -> Any:
    """Check that a file has certificates of authorities to trust.

    Args:
        ca: The file, or None.

    Raises:
        ValueError: It has none, or can't be read.
    """
    if ca is not None and not ca.is_file():
        raise ValueError(f"there is no file {ca}: give a PEM file with the authority's certificate")
    try:
        ca is None or ssl.create_default_context(cafile=ca)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise ValueError(
            f"{ca} contains no certificate ({_words(error)}): give a PEM file with the authority's"
        ) from None
    return ca


def is_embedded(value: object) -> bool:
    """Tell whether what stands under ``server:`` means the private server.

    Args:
        value: A name, or a mapping with the name under ``host``.
    """
    return value == EMBEDDED or (isinstance(value, dict) and value.get("host") == EMBEDDED)


def _words(error: OSError | ValueError) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(reason or error).replace("_", " ").lower()


def _as_server(value: Any) -> Any:
    match value:
        case "embedded":
            return {"host": EMBEDDED}
        case str() if value:
            return {"host": value}
        case dict() | Embedded() | Server():
            return value
    raise ValueError("give 'embedded', the server's name, or a mapping with host, port, tls and ca")


def _which(value: Any) -> str:
    embedded = isinstance(value, Embedded) or is_embedded(value)
    return "embedded server" if embedded else "named server"


AnyServer = Annotated[
    Annotated[Embedded, Tag("embedded server")] | Annotated[Server, Tag("named server")],
    Discriminator(_which),
    BeforeValidator(_as_server, json_schema_input_type=str | Server),
]
"""``embedded``, a host, or a mapping."""
