"""SASL (RFC 6120 §6): slixmpp's mechanisms, with the costly step of SCRAM (RFC 5802) in C.

slixmpp computes PBKDF2 in Python: some 100 ms of CPU at the 10,000 iterations that Prosody asks
for. Its mechanism is replaced in the public way that slixmpp has for it: importing this module
registers the class below for every SCRAM mechanism of the process.
"""

import hashlib
from base64 import b64decode
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from ._slixmpp_import import MECH_SEC_SCORES, MECHANISMS, sasl, saslprep

#: One of slixmpp's mechanisms, at work.
Mechanism = sasl.Mech
#: What it raises if the server can't prove that it knows the password.
ImpostorError = sasl.SASLMutualAuthFailed

#: More iterations than a server may ask for would hold the event loop for seconds.
MAX_ITERATIONS = 200_000
#: What goes over TLS with a name and a password; slixmpp's other mechanisms want something else,
#: or log in as nobody.
_BY_PASSWORD = ("SCRAM-", "DIGEST-", "CRAM-", "PLAIN")


def prepared(text: str) -> bytes:
    """Return a name or a password as SASL carries it: after SASLprep (RFC 4013), in UTF-8.

    Raises:
        ValueError: it has a character that can't be.
    """
    # SASLprep leaves printable ASCII as it is, and takes 0.1 ms to find out.
    plain = text.isascii() and text.isprintable()
    return text.encode() if plain else str(saslprep(text)).encode()


def choose(
    offered: Collection[str], credentials: Mapping[str, bytes], version: str
) -> sasl.Mech | None:
    """Return the safest mechanism that is offered, or None.

    Args:
        offered: their names.
        credentials: by slixmpp's names for them; ``channel_binding`` is empty without one.
        version: of TLS, which must be on.
    """
    names = {name for name in offered if name.startswith(_BY_PASSWORD) and name in MECHANISMS}
    security: dict[str, Any] = {
        "encrypted": True,
        "encrypted_plain": True,
        "tls_version": version,
        # Without anything to bind to, its GS2 header says "n", not "y": the latter is for clients
        # that could, and see no server that can (RFC 5802 §6).
        "binding_proposed": not credentials["channel_binding"]
        or any(name.endswith("-PLUS") for name in offered),
    }
    for name in sorted(names, key=lambda name: MECH_SEC_SCORES.get(name, 0), reverse=True):
        try:
            return MECHANISMS[name](name, dict(credentials), security)
        except sasl.SASLCancelled:
            continue  # no channel binding with this version of TLS
    return None


@lru_cache(maxsize=4096)
def salted_password(algorithm: str, password: bytes, salt: bytes, iterations: int) -> bytes:
    """Return ``Hi(password, salt, iterations)`` of RFC 5802 §2.2, remembered for re-connections.

    Args:
        algorithm: the hash's name as ``hashlib`` knows it, such as ``sha1``.
        password: the password, prepared with SASLprep, in UTF-8.
        salt: the salt that the server sent.
        iterations: how often the hash is applied.
    """
    return hashlib.pbkdf2_hmac(algorithm, password, salt, iterations)


def derivation(mechanism: object, challenge: bytes) -> tuple[str, bytes, bytes, int] | None:
    """Return the arguments of `salted_password` that a challenge asks for (RFC 5802 §5.1).

    Args:
        mechanism: the one that the challenge is for.
        challenge: the server's first message.

    Returns:
        None where nothing is to be derived, or what is asked for makes no sense.
    """
    if not isinstance(mechanism, SCRAM) or mechanism.step != 1:
        return None
    try:
        asked = mechanism.parse(challenge)
        salt, iterations = b64decode(asked[b"s"]), int(asked[b"i"])
    except (KeyError, ValueError):
        return None
    if not 0 < iterations <= MAX_ITERATIONS:
        return None
    return mechanism.algorithm, mechanism.credentials["password"], salt, iterations


@sasl.sasl_mech(60)
class SCRAM(sasl.SCRAM):
    """SCRAM with PBKDF2 from ``hashlib``; a server that asks for an absurd count is refused."""

    @property
    def algorithm(self) -> str:
        """The hash's name as ``hashlib`` knows it."""
        return str(self.hash_name).replace("-", "").lower()

    def Hi(self, text: bytes | str, salt: bytes, iterations: int) -> bytes:  # noqa: N802
        """Return the salted password of RFC 5802 §2.2.

        Raises:
            SASLCancelled: the server asks for more than `MAX_ITERATIONS`.
        """
        if not 0 < iterations <= MAX_ITERATIONS:
            words = f"the server asks for {iterations} SCRAM iterations"
            raise sasl.SASLCancelled(words)  # type: ignore[no-untyped-call]
        password = text.encode() if isinstance(text, str) else text
        return salted_password(self.algorithm, password, salt, iterations)
