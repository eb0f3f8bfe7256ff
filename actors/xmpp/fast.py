"""Tokens that take the place of the password when an account logs in again (XEP-0484)."""

import hmac
import uuid
from collections.abc import Collection
from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from .sasl import ImpostorError

FAST = "urn:xmpp:fast:0"
#: Characters of a token; one that is longer is not kept.
MAX_TOKEN = 1024
#: The mechanisms, the safest first, and whether each wants something to bind to. Python's TLS has
#: no "tls-exporter", so with TLS 1.3 there is nothing, and the name of the other one is fixed.
MECHANISMS = {"HT-SHA-256-UNIQ": True, "HT-SHA-256-NONE": False}

_UNTIL_REFUSED = datetime.max.replace(tzinfo=UTC)


class TokenMechanism:
    """A proof of knowing a token, and the server's of the same (draft-schmaus-kitten-sasl-ht).

    Args:
        name: of the mechanism.
        user: the account's localpart, prepared, in UTF-8.
        token: what both know.
        binding: of the channel, or nothing.

    Attributes:
        name: of the mechanism.
        token: what both know; it appears in no `repr` and in no log.
    """

    def __init__(self, name: str, user: bytes, token: str, binding: bytes) -> None:
        self.name = name
        self.token = token
        self._user = user
        self._binding = binding
        self._has_begun = False

    def process(self, challenge: bytes = b"") -> bytes | None:
        """Return the proof; the second time, check the server's.

        Raises:
            ImpostorError: what the server says proves nothing.
        """
        if not self._has_begun:
            self._has_begun = True
            return self._user + b"\0" + self._hash(b"Initiator")
        if not hmac.compare_digest(challenge, self._hash(b"Responder")):
            raise ImpostorError
        return None

    def _hash(self, role: bytes) -> bytes:
        return hmac.digest(self.token.encode(), role + self._binding, "sha256")


class Fast:
    """What one account needs to log in again without its password; it is in memory alone."""

    __slots__ = ("_client", "_mechanism", "_token", "_until")

    def __init__(self) -> None:
        self._client = ""
        self.forget()

    def forget(self) -> None:
        """Log in with the password the next time."""
        self._mechanism = self._token = ""
        self._until = _UNTIL_REFUSED

    def rename(self) -> None:
        """Be another client from now on, for which a server makes another resource."""
        self._client = ""
        self.forget()

    @property
    def client(self) -> str:
        """The UUID by which the server tells this client from others (XEP-0388 §2.4)."""
        if not self._client:
            self._client = str(uuid.uuid4())
        return self._client

    def mechanism(
        self, offered: Collection[str], user: bytes, binding: bytes
    ) -> TokenMechanism | None:
        """Return the way to log in with the token, or None if the password is needed.

        It is used up by that, unless the login succeeds: whatever goes wrong, the password is next.

        Args:
            offered: the mechanisms for tokens that the server offers.
            user: the account's localpart, prepared, in UTF-8.
            binding: of the channel, or nothing.
        """
        name = self._mechanism
        if not self._token or name not in offered or datetime.now(UTC) >= self._until:
            return None
        wants_binding = MECHANISMS[name]
        if wants_binding and not binding:
            return None
        token, self._token = self._token, ""
        return TokenMechanism(name, user, token, binding if wants_binding else b"")

    def used(self, mechanism: TokenMechanism) -> None:
        """Keep the token that a login has succeeded with."""
        self._token = mechanism.token

    def wish(self, offered: Collection[str], binding: bytes) -> str:
        """Return the mechanism that a token is wanted for, or "".

        Args:
            offered: the mechanisms for tokens that the server offers.
            binding: of the channel, or nothing.
        """
        usable = (name for name, binds in MECHANISMS.items() if bool(binding) is binds)
        return next((name for name in usable if name in offered), "")

    def granted(self, mechanism: str, success: Element) -> None:
        """Keep the token that comes with a ``<success/>``, if there is one.

        Args:
            mechanism: what it is for.
            success: what the server said.
        """
        granted = success.find(f"{{{FAST}}}token")
        if granted is None or not mechanism:
            return
        token = granted.get("token", "")
        if not 0 < len(token) <= MAX_TOKEN:
            return
        self._mechanism, self._token = mechanism, token
        try:
            until = datetime.fromisoformat(granted.get("expiry", ""))
        except ValueError:
            until = _UNTIL_REFUSED
        self._until = until if until.tzinfo else until.replace(tzinfo=UTC)
