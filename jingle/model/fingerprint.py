"""Certificate fingerprints for DTLS (RFC 8122, XEP-0320)."""

import re
from collections.abc import Sequence
from typing import Self

from msgspec import Struct

from . import limits

# RFC 8122 §5; the bytes of each hash function that aiortc can check.
CHECKABLE = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_LENGTHS = CHECKABLE | {"md5": 16, "sha-1": 20, "sha-224": 28}
_VALUE = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2})*")


class Fingerprint(Struct, frozen=True):
    """The hash of a certificate.

    Attributes:
        algorithm: Name of the hash function in lower case, such as ``sha-256``.
        value: Pairs of upper-case hexadecimal digits, parted by colons; empty if what the peer
            told is no hash of this function.
    """

    algorithm: str
    value: str

    @classmethod
    def told(cls, algorithm: str, text: str) -> Self:
        """Read what a peer tells; a stranger's text that is no hash is not kept."""
        found = cls(algorithm.lower(), "".join(text.split()).upper())
        return found if found.well_formed else cls(found.algorithm, "")

    @property
    def well_formed(self) -> bool:
        """Whether there is a value, hexadecimal and as long as its hash function says."""
        if not self.algorithm or len(self.value) > limits.ATTRIBUTE:
            return False
        length = _LENGTHS.get(self.algorithm)
        fits = length is None or len(self.value) == 3 * length - 1
        return fits and _VALUE.fullmatch(self.value) is not None


def to_send(fingerprints: Sequence[Fingerprint]) -> tuple[Fingerprint, ...]:
    """Return the one fingerprint to tell a peer: sha-256 where there is one.

    Peers read only the first, and some refuse other hash functions than sha-256.
    """
    preferred = [each for each in fingerprints if each.algorithm == "sha-256"]
    return tuple((preferred or list(fingerprints))[:1])
