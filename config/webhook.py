"""Whom a running instance tells what happens, over HTTP."""

import ipaddress
import re
import ssl
from typing import Annotated, Any, Literal, NamedTuple, Self, get_args
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from .jid import check_domain
from .model import Flag, FolderPath, Items, Model, as_secret
from .server import check_authorities

#: What may be told.
HookName = Literal["call-started", "call-ended", "recording-ready", "account-lost", "account-back"]
HOOKS: tuple[HookName, ...] = get_args(HookName)
#: Receivers in one file.
MOST_WEBHOOKS = 16

_PORTS = {"https": 443, "http": 80}
_LONGEST = 2048
_WANTED = "give the receiver's URL, like https://hooks.example.org/callboard"


class ReceiverUrl(NamedTuple):
    """Where events are sent.

    Attributes:
        scheme: ``https`` or ``http``.
        host: a domain in A-labels, or an IP address without brackets.
        port: the TCP port.
        path: with the query; it may be a secret.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the ``Host`` header has them (RFC 9110 §7.2); no secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_url(url: str) -> ReceiverUrl:
    """Read a receiver's URL. It may have secrets in it: no message quotes it.

    Args:
        url: ``https://…``, or ``http://…``.

    Raises:
        ValueError: It is none, or has parts that a receiver's can't have.
    """
    if len(url) > _LONGEST or not re.fullmatch(r"[!-~]+", _ascii(url)):
        raise ValueError(
            f"the URL is over {_LONGEST} characters long, or has spaces or other characters that "
            f"must be written as %XX: {_WANTED}"
        )
    try:
        parts = urlsplit(_ascii(url))
        port = parts.port
    except ValueError:
        raise ValueError(f"this is not a URL: {_WANTED}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"this is not a URL with https:// or http:// and a host: {_WANTED}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "the URL has a user name or password in it: remove it, because events are signed with "
            "'secret'"
        )
    if parts.fragment or "#" in url:
        raise ValueError("the URL has a # in it, which is never sent: remove it")
    if port == 0:
        raise ValueError("the URL has port 0: give one from 1 to 65535")
    check_domain(parts.hostname.lower())
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return ReceiverUrl(parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme], path)


def _ascii(url: str) -> str:
    """Write the host of a URL in A-labels."""
    match = re.match(r"([A-Za-z]+://)([^/?#@:\[]+)", url)
    if match is None or match[2].isascii():
        return url
    import idna  # noqa: PLC0415 - 2 ms, and nearly all hosts are ASCII

    try:
        host = idna.encode(match[2], uts46=True).decode("ascii")
    except idna.IDNAError:
        raise ValueError(f"the URL's host is not a domain name: {_WANTED}") from None
    return f"{match[1]}{host}{url[match.end() :]}"


def _check_url(url: str) -> str:
    parse_url(url)
    return url


class WebhookSettings(Model):
    """A receiver of events. [Monitoring](monitoring.md) says what is sent, and how to check it.

    Needs the extra `callboard[webhooks]`.
    """

    url: Annotated[str, BeforeValidator(as_secret), AfterValidator(_check_url)] = Field(
        repr=False,
        description="Where each event is sent by POST. `${VARIABLE}` stands for an environment "
        "variable, and only the host is ever shown. Redirects are not followed.",
        examples=["https://hooks.example.org/callboard"],
    )
    secret: Annotated[SecretStr, BeforeValidator(as_secret)] = Field(
        description="What events are signed with, known to the receiver too: `${VARIABLE}`, "
        "`file:PATH`, or the secret itself. At least 16 characters.",
        examples=["${WEBHOOK_SECRET}"],
    )
    events: Annotated[
        tuple[HookName, ...],
        Field(min_length=1, max_length=len(HOOKS)),
        Items(f"one of {', '.join(HOOKS)}"),
    ] = Field(
        default=HOOKS,
        description="What is told; all if left out.",
        examples=[["call-ended", "recording-ready"]],
    )
    ca: FolderPath | None = Field(
        default=None,
        description="A PEM file with the authorities to trust instead of the system's.",
        examples=["ca.pem"],
    )
    plain: Flag = Field(
        default=False,
        description="Whether `http://`, which anybody on the way can read, may lead to another "
        "machine.",
    )

    @property
    def target(self) -> ReceiverUrl:
        """Where events are sent."""
        return parse_url(self.url)

    @field_validator("secret")
    @classmethod
    def _check_secret(cls, secret: SecretStr) -> SecretStr:
        text = secret.get_secret_value()
        if len(text) < 16 or "\n" in text:
            raise ValueError(
                "the secret is shorter than 16 characters, or has several lines: make one with "
                "openssl rand -hex 32"
            )
        return secret

    @field_validator("ca")
    @classmethod
    def _check_ca(cls, ca: Any) -> Any:
        return check_authorities(ca)

    @model_validator(mode="after")
    def _check_way(self) -> Self:
        target = self.target
        if target.scheme == "http" and not target.is_loopback and not self.plain:
            raise ValueError(
                f"url: http:// would send events to {target.authority} for anybody on the way to "
                "read: use https://, or say 'plain: true'"
            )
        return self

    def trust(self) -> ssl.SSLContext:
        """Return what the receiver's certificate is checked with. Blocks on files."""
        return ssl.create_default_context(cafile=self.ca)
