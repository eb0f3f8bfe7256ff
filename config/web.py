"""Where the board is served, who may use it, and how its media reaches a browser."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from .media import Addresses, Ports
from .metrics import Address, ListenAddress
from .model import Flag, FolderPath, Model, as_secret

#: Characters that a token has at the least.
SHORTEST_TOKEN = 16
#: Characters that a token has at the most.
LONGEST_TOKEN = 512

_URL = "give the address that browsers see, like https://board.example.org"
_RELAY = re.compile(
    r"turns?:([^\s\[\]:/?@]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?(\?transport=(udp|tcp))?"
)


def _check_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"{text!r} is not a URL: {_URL}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(f"{text!r} is not a URL with https:// or http:// and a host: {_URL}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{text!r} has more than a host and a port: {_URL}")
    if not parts.netloc.isascii():
        raise ValueError(f"{text!r} has letters that a Host header can't have: write it as xn--…")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _check_relay(text: str) -> str:
    if not _RELAY.fullmatch(text):
        raise ValueError(f"{text!r} is not a TURN server: write it like turn:turn.example.org:3478")
    return text


def _check_token(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not SHORTEST_TOKEN <= len(text) <= LONGEST_TOKEN or not re.fullmatch(r"[!-~]+", text):
        raise ValueError(
            f"the token has fewer than {SHORTEST_TOKEN} characters, over {LONGEST_TOKEN}, or some "
            "that are not visible ASCII: make one with openssl rand -hex 32"
        )
    return token


Token = Annotated[SecretStr, BeforeValidator(as_secret), AfterValidator(_check_token)]


class WebTokens(Model):
    """A secret for each role. A role may do what those before it may.

    Each is `file:PATH`, `${VARIABLE}` or the token itself, with at least 16 characters. If none is
    given, one for `talk` is made at each start.
    """

    view: Token | None = Field(
        default=None, description="See accounts, calls, their quality and their ladders."
    )
    listen: Token | None = Field(
        default=None,
        description="Read messages, hear and see live calls, and play recordings.",
    )
    control: Token | None = Field(
        default=None,
        description="Place, answer and end calls, write messages, play and record, and log "
        "accounts in and out.",
    )
    talk: Token | None = Field(
        default=None, description="Talk in calls, beside the bot or in its place."
    )

    def given(self) -> dict[str, SecretStr]:
        """Return the tokens that there are, by role, the least role first."""
        every = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: token for name, token in every.items() if token is not None}

    @model_validator(mode="after")
    def _check_different(self) -> Self:
        values = [token.get_secret_value() for token in self.given().values()]
        if len(set(values)) < len(values):
            raise ValueError("two roles have the same token: give each its own")
        return self


class WebRelay(Model):
    """A TURN server through which browsers send and receive, where they can in no other way."""

    url: Annotated[str, AfterValidator(_check_relay)] = Field(
        description="The server (RFC 7065).", examples=["turn:turn.example.org:3478"]
    )
    user: str = Field(default="", max_length=512, description="The user's name there.")
    password: Annotated[SecretStr, BeforeValidator(as_secret)] = Field(
        default=SecretStr(""), description="The user's password: `${VARIABLE}` or `file:PATH`."
    )
    only: Flag = Field(
        default=False,
        description="Whether browsers send and receive through it alone, and never directly.",
    )


class WebMedia(Model):
    """How sound and pictures come to a browser, and from it. A proxy carries none of it."""

    addresses: Addresses | None = Field(
        default=None,
        description="The IP addresses of this machine on which browsers' connections are taken. "
        "If left out, those of `media.addresses`; while the board is on loopback `127.0.0.1`, and "
        "the machine's IPv4 address in a way that only this machine reaches.",
        examples=["192.0.2.7"],
    )
    ports: Ports = Field(
        default=None,
        description="The UDP ports that may be used, both ends included. If left out, those of "
        "`media.ports`.",
        examples=["40200-40300"],
    )
    relay: WebRelay | None = Field(default=None, description="A TURN server, if one is needed.")


class WebSettings(Model):
    """The board: accounts, conversations and calls in a browser, and over HTTP for programs.

    [The board](board.md) says what it shows, and how to serve it behind a proxy. Needs the extra
    `callboard[web]`.
    """

    address: Address | None = Field(
        default=None,
        description="The IP address of this machine and the TCP port. A port alone is one on "
        "127.0.0.1, which only this machine can reach. If left out, a free port of 127.0.0.1, "
        "another one at each start.",
        examples=["127.0.0.1:8470"],
    )
    url: Annotated[str, AfterValidator(_check_url)] | None = Field(
        default=None,
        description="The address that browsers see, if a proxy stands before the board. With "
        "`https://`, cookies are sent over HTTPS only.",
        examples=["https://board.example.org"],
    )
    plain: Flag = Field(
        default=False,
        description="Whether the board may be reached from other machines without HTTPS, so that "
        "anybody on the way can read it and its tokens.",
    )
    tokens: WebTokens = Field(
        default=WebTokens(), description="Who may do what. If left out, a token is made at start."
    )
    media: WebMedia = Field(
        default=WebMedia(), description="How sound and pictures come to a browser."
    )
    files: FolderPath | None = Field(
        default=None,
        description="A folder whose files can be played from the board, by their names. If left "
        "out, only what has a name can be, like `tone:440`.",
        examples=["sounds/"],
    )

    @field_validator("tokens", "media", mode="before")
    @classmethod
    def _take_nothing(cls, value: Any) -> Any:
        return {} if value is None else value

    @field_validator("files")
    @classmethod
    def _check_folder(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError(f"{folder} is no folder: name one with files that can be played")
        return folder

    @model_validator(mode="after")
    def _check_way(self) -> Self:
        """See that nobody on the way can read it, unless the file says so."""
        is_here = self.address is None or self.address.is_loopback
        host = "" if self.url is None else str(urlsplit(self.url).hostname)
        is_https = self.url is not None and self.url.startswith("https://")
        if is_here and not is_https and not self.plain and not _is_loopback(host):
            raise ValueError(
                "url: visitors come over the network, and nothing is encrypted: begin it with "
                "https://, or say 'plain: true'"
            )
        if not is_here and not is_https and not self.plain:
            raise ValueError(
                "address: other machines can reach the board, and nothing is encrypted: use "
                "127.0.0.1 behind a proxy with HTTPS, named by 'url', or say 'plain: true'"
            )
        if not is_here and self.url is None and _is_unspecified(self.address):
            raise ValueError(f"url: the board listens on all addresses: {_URL}")
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost")


def _is_unspecified(address: ListenAddress | None) -> bool:
    return address is not None and ipaddress.ip_address(address.host).is_unspecified


def as_web(value: Any) -> Any:
    """Take an address alone where the settings of the board are wanted.

    Args:
        value: What stands in the file.
    """
    if isinstance(value, bool):
        return {} if value else None
    return {"address": value} if isinstance(value, str | int) else value
