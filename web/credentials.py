"""Who a visitor is, by a token or by the cookie that a token was exchanged for."""

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..config.web import LONGEST_TOKEN
from .visitor_role import VisitorRole

#: Seconds that a cookie is good for.
LIFETIME = 12 * 3600
#: Cookies that were given back and would still be good; the oldest is forgotten beyond that.
MOST_REVOKED = 10_000
#: Characters that a cookie of ours has at the most.
LONGEST_COOKIE = 200


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is known.

    Attributes:
        role: what they may do.
        key: what tells them from others: a cookie's own number, or the role of a token.
        expires: when the cookie ends, in seconds since the epoch; None for a token.
        token: which of the role's tokens it was, counted from the start.
    """

    role: VisitorRole
    key: str
    expires: float | None = None
    token: int = 0


class Credentials:
    """The tokens of a board, and the cookies made from them.

    A cookie is signed with a key made from its role's token and kept nowhere. So it outlives a
    restart if the token does, and ends with the token.

    Args:
        tokens: the secret of each role that has one.
        clock: gives the time in seconds since the epoch.
    """

    def __init__(
        self, tokens: Mapping[VisitorRole, str], clock: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._digests: dict[VisitorRole, bytes] = {}
        self._keys: dict[VisitorRole, bytes] = {}
        self._counts = dict.fromkeys(VisitorRole, 0)
        self._revoked: OrderedDict[str, None] = OrderedDict()
        self.take(tokens)

    def take(self, tokens: Mapping[VisitorRole, str]) -> list[VisitorRole]:
        """Have other tokens from now on.

        Args:
            tokens: the secret of each role that has one.

        Returns:
            The roles whose tokens are gone: whoever came with one is nobody any more.
        """
        digests = {role: _digest(token) for role, token in tokens.items()}
        gone = [role for role, digest in self._digests.items() if digests.get(role) != digest]
        for role in gone:
            self._counts[role] += 1
        self._digests = digests
        self._keys = {
            role: hmac.digest(token.encode(), b"callboard: cookies of the board", "sha256")
            for role, token in tokens.items()
        }
        return gone

    def by_token(self, token: str) -> Visitor | None:
        """Return whose token this is. It takes as long for a wrong one as for a right one."""
        given = _digest(token[: LONGEST_TOKEN + 1])
        found = None
        for role, digest in self._digests.items():
            if hmac.compare_digest(given, digest):
                found = Visitor(role, role.word, token=self._counts[role])
        return found

    def cookie(self, role: VisitorRole) -> str:
        """Return a new cookie's value."""
        expires = int(self._clock()) + LIFETIME
        said = f"{role.word}.{expires}.{secrets.token_urlsafe(12)}"
        return f"{said}.{self._sign(role, said)}"

    def by_cookie(self, value: str) -> Visitor | None:
        """Return whose cookie this is; None if it is none of ours, or has ended."""
        if len(value) > LONGEST_COOKIE or not value.isascii():
            return None
        said, _, signature = value.rpartition(".")
        role = next((one for one in self._keys if said.startswith(f"{one.word}.")), None)
        if role is None or not hmac.compare_digest(self._sign(role, said), signature):
            return None
        _, expires, number = said.split(".")
        visitor = Visitor(role, number, float(expires), self._counts[role])
        return visitor if self.holds(visitor) else None

    def holds(self, visitor: Visitor) -> bool:
        """Tell whether a visitor's token, or cookie, is still good."""
        if visitor.token != self._counts[visitor.role]:
            return False
        if visitor.expires is None:
            return True
        return visitor.expires > self._clock() and visitor.key not in self._revoked

    def revoke(self, visitor: Visitor) -> None:
        """Let a visitor's cookie be good for nothing from now on."""
        if visitor.expires is not None:
            self._revoked[visitor.key] = None
            if len(self._revoked) > MOST_REVOKED:
                self._revoked.popitem(last=False)

    def _sign(self, role: VisitorRole, said: str) -> str:
        return hmac.digest(self._keys[role], said.encode(), "sha256").hex()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
