"""Prosody's account files: what its ``internal_hashed`` authentication reads at each login."""

import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from .lua import to_lua

ITERATIONS = 4096
"""PBKDF2 rounds of SCRAM-SHA-1: the minimum of RFC 5802 §5.1.

The server is private and lives as long as one run, so more would only slow the logins of a fleet.
"""

FORBIDDEN = frozenset("\"&'/:<>@")
"""RFC 7622 §3.3.1: characters that no localpart holds."""


def account_name(user: str) -> str:
    """Bring a localpart to the form in which Prosody looks it up (RFC 7622 §3.3.1).

    Args:
        user: The localpart of a JID.

    Returns:
        It in lower case and Unicode's normal form C.

    Raises:
        ValueError: It is empty, over 1,023 bytes, or holds a character no localpart may have.
    """
    name = unicodedata.normalize("NFC", user.lower())
    if not name or len(name.encode()) > 1023:
        raise ValueError(f"{user!r} is no user name: it takes 1 to 1,023 bytes")
    if bad := next((c for c in name if c in FORBIDDEN or c.isspace() or not c.isprintable()), None):
        raise ValueError(f"{user!r} is no user name: {bad!r} may not be in it")
    return name


def account_file(name: str) -> str:
    """Name the file that holds an account, as Prosody's ``util.datamanager`` does.

    Args:
        name: The localpart, as :func:`account_name` gives it.

    Returns:
        The file's name: every byte that is no ASCII letter or digit as lower-case ``%xx``.
    """
    return f"{encode_name(name)}.dat"


def encode_name(name: str) -> str:
    """Encode a host or user for use in a path, as Prosody's ``util.datamanager`` does.

    Args:
        name: A host name or localpart.

    Returns:
        The name with every byte that is no ASCII letter or digit as lower-case ``%xx``.
    """
    return "".join(
        chr(byte) if byte < 0x80 and chr(byte).isalnum() else f"%{byte:02x}"
        for byte in name.encode()
    )


class ScramKeys(Struct, frozen=True):
    """What a server keeps of a password (RFC 5802 §3).

    Attributes:
        stored_key: SHA-1 of the client key, in hexadecimal.
        server_key: The server key, in hexadecimal.
    """

    stored_key: str
    server_key: str


def scram_keys(password: str, salt: str, iterations: int = ITERATIONS) -> ScramKeys:
    """Compute the SCRAM-SHA-1 keys of a password (RFC 5802 §3).

    Args:
        password: In ASCII, so that SASLprep leaves it as it is.
        salt: Its UTF-8 bytes are the salt.
        iterations: PBKDF2 rounds.

    Returns:
        The two keys that the server keeps.
    """
    salted = hashlib.pbkdf2_hmac("sha1", password.encode("ascii"), salt.encode(), iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha1")
    server_key = hmac.digest(salted, b"Server Key", "sha1")
    stored_key = hashlib.sha1(client_key, usedforsecurity=False).digest()
    return ScramKeys(stored_key.hex(), server_key.hex())


class AccountFolder:
    """The folder in which Prosody looks for the accounts of one host.

    Prosody reads an account's file at each login, so accounts can be added while it runs.
    All methods block on files and hashing: call them in an executor.

    Args:
        data: Prosody's ``data_path``.
        host: The virtual host.
        salt: One salt for all accounts, any text. Clients that cache the salted password by
            (password, salt, rounds) then hash once for a whole fleet.
    """

    def __init__(self, data: Path, host: str, salt: str) -> None:
        self.path = data / encode_name(host) / "accounts"
        self._salt = salt
        self._keys: dict[bytes, ScramKeys] = {}

    def add(self, accounts: Mapping[str, str]) -> None:
        """Write accounts; one that is there already gets the new password.

        Args:
            accounts: From user name to password.

        Raises:
            ValueError: A user name is none, or a password is empty or has control characters.
        """
        entries = {account_name(user): password for user, password in accounts.items()}
        for name, password in entries.items():
            # RFC 4013 §2.3: SASLprep lets no control character through.
            if not password or not password.isprintable():
                raise ValueError(f"the password of {name!r} is empty or has control characters")
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, password in entries.items():
            target = self.path / account_file(name)
            part = target.with_suffix(".part")
            part.write_text(f"return {to_lua(self._entry(password))};\n", encoding="ascii")
            part.chmod(0o600)
            # Prosody may be reading at this moment: it sees the old file or the new one.
            part.replace(target)

    def _entry(self, password: str) -> dict[str, str | int]:
        if not password.isascii():
            # SASLprep (RFC 4013) is Prosody's to do: it hashes such a password at the first login.
            return {"password": password}
        token = hashlib.sha256(password.encode()).digest()
        if (keys := self._keys.get(token)) is None:
            keys = self._keys[token] = scram_keys(password, self._salt)
        return {
            "salt": self._salt,
            "iteration_count": ITERATIONS,
            "stored_key": keys.stored_key,
            "server_key": keys.server_key,
        }


def make_salt(entropy: bytes) -> str:
    """Write random bytes as a salt that Prosody's data files keep as text.

    Args:
        entropy: Random bytes; RFC 5802 §5.1 wants them to be unpredictable, 16 will do.

    Returns:
        The salt.
    """
    return base64.b64encode(entropy).decode("ascii")
