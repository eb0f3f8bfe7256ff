"""Signatures by which a receiver knows who sent an event (https://www.standardwebhooks.com)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for.

    Args:
        secret: any text, which is the key in UTF-8; or ``whsec_`` and the key in Base64, as
            libraries of receivers have it.
    """
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signed(key: bytes, identifier: str, at: float, body: bytes) -> Mapping[str, str]:
    """Return the headers that name an event, and sign it with the time of this try.

    Args:
        key: what the receiver knows too.
        identifier: the event's; it stays from try to try.
        at: now, in seconds since the epoch.
        body: what is sent.
    """
    timestamp = f"{int(at)}"
    text = b".".join((identifier.encode(), timestamp.encode(), body))
    digest = hmac.digest(key, text, hashlib.sha256)
    return {
        "webhook-id": identifier,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
