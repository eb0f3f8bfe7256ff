"""SCRAM (RFC 5802) with its costly step in C, and remembered.

slixmpp computes PBKDF2 in Python: some 100 ms of CPU at the 10,000 iterations that Prosody asks
for. Its mechanism is replaced in the public way that slixmpp has for it: importing this module
registers the class below for every SCRAM mechanism of the process.
"""

import hashlib
from functools import lru_cache

from slixmpp.util import sasl

#: More iterations than a server may ask for would hold the event loop for seconds.
MAX_ITERATIONS = 200_000


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


@sasl.sasl_mech(60)
class SCRAM(sasl.SCRAM):
    """SCRAM with PBKDF2 from ``hashlib``; a server that asks for an absurd count is refused."""

    def Hi(self, text: bytes | str, salt: bytes, iterations: int) -> bytes:  # noqa: N802
        """Return the salted password of RFC 5802 §2.2.

        Raises:
            SASLCancelled: the server asks for more than `MAX_ITERATIONS`.
        """
        if not 0 < iterations <= MAX_ITERATIONS:
            words = f"the server asks for {iterations} SCRAM iterations"
            raise sasl.SASLCancelled(words)  # type: ignore[no-untyped-call]
        name = self.hash_name.replace("-", "").lower()
        password = text.encode() if isinstance(text, str) else text
        return salted_password(name, password, salt, iterations)
