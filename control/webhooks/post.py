"""One POST to a receiver that is not trusted to answer well.

Little of HTTP is needed, and much must not be done: no redirect is followed, no body read, no proxy
asked, and the whole has one deadline, the look-up of the name and TLS among it. So h11, which also
serves metrics, writes and reads the heads. requests and urllib3 have no deadline for the whole, and
aiohttp would bring seven more packages.
"""

import asyncio
import ssl
from collections.abc import Mapping
from http import HTTPStatus

import h11
from msgspec import Struct

from ...config.webhook import ReceiverUrl

#: Seconds for all of it.
DEADLINE = 10.0
#: Octets of an answer's status line with its headers.
LARGEST_HEAD = 16384

#: Answers after which another try may do better (RFC 9110 §15.5, RFC 6585 §4); 5xx are others.
_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class PostFailure(Struct, frozen=True):
    """Why an event was not taken.

    Attributes:
        why: a phrase about the receiver.
        again: whether another try may do better.
    """

    why: str
    again: bool = True


async def post(
    target: ReceiverUrl, headers: Mapping[str, str], body: bytes, trust: ssl.SSLContext | None
) -> PostFailure | None:
    """Send an event; say why it was not taken, or None.

    Args:
        target: where.
        headers: what else the head has.
        body: what is sent.
        trust: what the receiver's certificate is checked with; None for ``http``.
    """
    try:
        async with asyncio.timeout(DEADLINE):
            return _judged(await _sent(target, headers, body, trust))
    except TimeoutError:
        return PostFailure(f"has not answered within {DEADLINE:g} s")
    except ssl.SSLCertVerificationError as error:
        return PostFailure(f"has a certificate that is not trusted ({error.verify_message})")
    except h11.RemoteProtocolError:
        return PostFailure("does not answer in HTTP/1.1")
    except OSError as error:  # ssl.SSLError, socket.gaierror and a refused connection among them
        return PostFailure(f"can't be reached ({(error.strerror or type(error).__name__).lower()})")


async def _sent(
    target: ReceiverUrl, headers: Mapping[str, str], body: bytes, trust: ssl.SSLContext | None
) -> int:
    """Send a request, and return the status of the answer; the rest of it is not read."""
    name = target.host if trust is not None else None
    reader, writer = await asyncio.open_connection(
        target.host, target.port, ssl=trust, server_hostname=name, limit=LARGEST_HEAD
    )
    try:
        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
        head = h11.Request(
            method="POST",
            target=target.path,
            headers=[
                ("Host", target.authority),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Connection", "close"),
                *headers.items(),
            ],
        )
        for event in (head, h11.Data(body), h11.EndOfMessage()):
            writer.write(connection.send(event) or b"")
        await writer.drain()
        while True:
            answer = connection.next_event()
            if isinstance(answer, h11.Response):
                return answer.status_code
            if answer is h11.NEED_DATA:
                connection.receive_data(await reader.read(LARGEST_HEAD))
            elif not isinstance(answer, h11.InformationalResponse):
                raise h11.RemoteProtocolError("no answer")
    finally:
        writer.transport.abort()


def _judged(status: int) -> PostFailure | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return PostFailure(f"redirects ({status}), which is not followed: give its new URL", False)
    again = status >= 500 or status in _AGAIN
    return PostFailure(f"answers with status {status}", again)
