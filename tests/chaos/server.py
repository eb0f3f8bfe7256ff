"""An XMPP server that is killed, and comes back at the same port with the same accounts."""

import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from callboard.server.account import AccountFolder, make_salt
from callboard.server.certificate import make_certificates
from callboard.server.configuration import prosody_configuration

HOST = "localhost"
READY = 20.0
"""Seconds that Prosody may take to open its port."""


class Server:
    """A Prosody on 127.0.0.1.

    Args:
        folder: for its files; made here.
        accounts: from user name to password.

    Attributes:
        port: where it listens.
        certificate: the authority that clients trust (PEM).
    """

    def __init__(self, folder: Path, accounts: Mapping[str, str]) -> None:
        folder.mkdir(parents=True)
        self.port = _free_port()
        self.certificate = folder / "authority.pem"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        certificates = make_certificates(HOST)
        self.certificate.write_text(certificates.authority, "ascii")
        (folder / "certificate.pem").write_text(certificates.chain, "ascii")
        (folder / "key.pem").write_text(certificates.key, "ascii")
        (folder / "data").mkdir()
        salt = make_salt(secrets.token_bytes(16))
        AccountFolder(folder / "data", HOST, salt).add(accounts)
        self._configuration = folder / "prosody.cfg.lua"
        self._configuration.write_text(
            prosody_configuration(folder, host=HOST, port=self.port), "ascii"
        )

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        program = shutil.which("prosody") or "/usr/bin/prosody"
        with (self._folder / "prosody.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "-F", "--config", str(self._configuration)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY
        while not _open(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Prosody did not start: see {self._folder / 'prosody.log'}")
            time.sleep(0.02)

    @property
    def runs(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Kill it: no goodbye to anybody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None and self.runs:
            self._process.terminate()
            self._process.wait(READY)


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
