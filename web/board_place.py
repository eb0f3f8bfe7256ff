"""Where the board is served, and the tokens that open it, before anything of it is imported."""

import asyncio
import os
import re
import secrets
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..config.metrics import LOOPBACK, ListenAddress
from ..config.web import WebSettings, WebTokens
from .visitor_role import VisitorRole

#: The port of each scheme, which an address may leave out (RFC 9110 §4.2).
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origins:
    """Where the board may be reached.

    Attributes:
        hosts: what ``Host`` may be, in lower case.
        origins: what ``Origin`` may be, in lower case.
        is_https: whether browsers reach it by HTTPS alone.
    """

    hosts: frozenset[str]
    origins: frozenset[str]
    is_https: bool


class BoardPlace:
    """A port that is held for the board; who comes before it is served waits.

    Args:
        settings: where, and who may do what.
        listener: the socket.

    Attributes:
        listener: the socket.
        origins: where the board may be reached.
        port: the TCP port.
        url: of the page, without a token.
        tokens: the secret of each role that has one.
        link: the page's address with the token that was made at start; None if the file has tokens.
        link_file: where the link is kept; None: nowhere.
    """

    def __init__(self, settings: WebSettings, listener: socket.socket) -> None:
        address = ListenAddress(*listener.getsockname()[:2])
        self.listener = listener
        self.origins = origins_of(settings, address)
        self.port = address.port
        self.url = settings.url or f"http://{address}"
        self.tokens = tokens_of(settings.tokens)
        self.link: str | None = None
        self.link_file: Path | None = None
        if not self.tokens:
            made = secrets.token_urlsafe(32)
            self.tokens = {VisitorRole.TALK: made}
            self.link = f"{self.url}/#token={made}"

    @property
    def way_in(self) -> str:
        """What lets somebody in, in words for who has nothing that does."""
        if self.link is None:
            return "a token of the operator's, who has them in the file under web: tokens:"
        return "the link that callboard has printed"

    @classmethod
    async def taken(cls, settings: WebSettings, control: Path | None) -> Self:
        """Open the port, and keep the link.

        Args:
            settings: where, and who may do what.
            control: the control socket; the link is kept beside it.

        Raises:
            OSError: the port can't be had, or the link can't be kept; says what to do.
        """
        place = cls(settings, listen(settings))
        if place.link is not None and control is not None:
            file = control.with_suffix(".board")
            try:
                await asyncio.to_thread(_keep_link, file, place.link)
            except BaseException:
                place.listener.close()
                raise
            place.link_file = file
        return place

    async def take_tokens(self, tokens: WebTokens) -> None:
        """Have other tokens from now on; a link with one that was made opens nothing any more.

        Args:
            tokens: those of the file; there are some.
        """
        self.tokens = tokens_of(tokens)
        self.link = None
        await self._forget_link()

    async def leave(self) -> None:
        """Close the port; also if that was done."""
        self.listener.close()
        await self._forget_link()

    async def _forget_link(self) -> None:
        file, self.link_file = self.link_file, None
        if file is not None:
            await asyncio.to_thread(file.unlink, missing_ok=True)


def tokens_of(tokens: WebTokens) -> Mapping[VisitorRole, str]:
    """Return the secret of each role that has one in the file."""
    return {
        VisitorRole.named(name): token.get_secret_value() for name, token in tokens.given().items()
    }


def listen(settings: WebSettings) -> socket.socket:
    """Open the port of the board.

    Raises:
        OSError: it can't be had; says what to do.
    """
    address = settings.address or ListenAddress(LOOPBACK, 0)
    try:
        listener = address.listen()
    except OSError as error:
        words = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(
            f"the board can't be served at {address} ({words.lower()}): choose another port or "
            "address under web: in the file, or end what uses it"
        ) from None
    listener.setblocking(False)
    return listener


def origins_of(settings: WebSettings, address: ListenAddress) -> Origins:
    """Return where the board may be reached.

    Args:
        settings: what the file says.
        address: where it listens.
    """
    origins = {f"http://{address}"}
    if address.is_loopback:
        origins |= {f"http://{host}:{address.port}" for host in ("localhost", LOOPBACK, "[::1]")}
    if settings.url is not None:
        origins.add(settings.url)
    every = {spelling for one in origins for spelling in _spellings(one)}
    return Origins(
        hosts=frozenset(one.partition("://")[2] for one in every),
        origins=frozenset(every),
        is_https=settings.url is not None and settings.url.startswith("https://"),
    )


def _spellings(origin: str) -> Iterator[str]:
    """Give an origin with and without the port of its scheme (RFC 3986 §6.2.3)."""
    scheme, _, host = origin.partition("://")
    port = f":{DEFAULT_PORTS[scheme]}"
    yield origin
    if host.endswith(port):
        yield origin.removesuffix(port)
    elif not re.search(r":\d+$", host):
        yield f"{origin}{port}"


def _keep_link(file: Path, link: str) -> None:
    """Write the link where its owner alone can read it."""
    file.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(file, flags, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
        os.write(descriptor, f"{link}\n".encode("ascii"))
    finally:
        os.close(descriptor)
