"""Prosody as a child process of ours (https://prosody.im), for demos, tests and load runs."""

import asyncio
import contextlib
import logging
import os
import re
import secrets
import shutil
import socket
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from .account import AccountFolder, make_salt
from .certificates import HOST, Certificates, certificates_for
from .configuration import MODULES, prosody_configuration
from .keeper import GO

log = logging.getLogger(__name__)

ADDRESS = "127.0.0.1"
ATTEMPTS = 5
"""How often another port is tried when somebody took ours between choosing and opening it."""
LINES = 20
"""How many of Prosody's last lines an error shows."""
CONFIGURATION = "prosody.cfg.lua"
"""The name of Prosody's file of settings."""
STOP = 6.0
"""Seconds that the keeper may take to stop Prosody and remove the folder."""

_HOST = re.compile(r"(?=.{1,253}$)(?!-)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
_KEEPER = Path(__file__).with_name("keeper.py")


class ServerError(Exception):
    """The embedded server could not start or is not running; says what to do about it."""


class _PortTakenError(Exception):
    """Somebody else opened the port first."""


class Prosody:
    """A private XMPP server on loopback, as an asynchronous context manager.

    It listens on 127.0.0.1 alone, wants STARTTLS (RFC 6120 §5) with a certificate of its own and
    SCRAM (RFC 5802), keeps its files in a temporary folder that only we can read, and is stopped
    and removed with us, also when we are killed. One object starts once.

    Args:
        accounts: From user name (localpart) to password.
        host: The XMPP domain of the accounts, in ASCII.
        modules: Prosody's modules to load.
        plugins: A folder with modules besides Prosody's own, absolute; None: there are none.
        websocket: Whether browsers can log in, over WebSocket (RFC 7395) without TLS.
        plain: Whether clients that know no SCRAM can log in, with SASL PLAIN inside TLS.
        services: The STUN and TURN servers that clients are told of (XEP-0215); see
            `prosody_configuration`.
        timeout: Seconds that Prosody may take to be ready, once its files are written.
        port: The TCP port to listen on; 0 for one that is free.
        make_certificates: Makes its certificates for the host, in a thread.

    Attributes:
        host: The XMPP domain.
        address: The IP address to connect to.
        port: The TCP port to connect to; before the start what was asked for.
        websocket: The ``ws://`` URL for browsers; "" before the start and without `websocket`.
        certificate: The file with the authority that clients trust (PEM).
        folder: The server's own folder.
        pid: Prosody's process id; 0 before the start.

    Raises:
        ServerError: The host is no domain name in ASCII.
    """

    def __init__(
        self,
        accounts: Mapping[str, str],
        *,
        host: str = HOST,
        modules: Iterable[str] = MODULES,
        plugins: Path | None = None,
        websocket: bool = False,
        plain: bool = False,
        services: Iterable[Mapping[str, object]] = (),
        timeout: float = 15.0,
        port: int = 0,
        make_certificates: Callable[[str], Certificates] = certificates_for,
    ) -> None:
        if not _HOST.fullmatch(host):
            raise ServerError(
                f"the embedded server can't serve {host!r}: "
                "give a domain name of lower-case letters, digits, dots and hyphens"
            )
        self.host = host
        self.address = ADDRESS
        self.port = port
        self.websocket = ""
        self.pid = 0
        self.folder = Path()
        self.certificate = Path()
        self._initial = dict(accounts)
        self._modules = tuple(modules)
        self._plugins = plugins
        self._http_port: int | None = 0 if websocket else None
        self._plain = plain
        self._services = tuple(services)
        self._timeout = timeout
        self._accounts: AccountFolder | None = None
        self._keeper: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._lines: deque[str] = deque(maxlen=LINES)
        self._fixed_port = port
        self._make_certificates = make_certificates
        self._used = False
        self._runs = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        self._ready = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start the server; it takes logins when this returns.

        Raises:
            ServerError: Prosody is not installed, could not start in time, or an account's name
                or password can't be used.
            RuntimeError: It was started before.
        """
        if self._used:
            raise RuntimeError("a Prosody starts once: make another one")
        self._used = True
        await self._begun()
        log.info("the embedded server listens on %s:%d", self.address, self.port)

    async def begin(self) -> None:
        """Begin to start, and return once the program runs, or can't.

        `start` waits for the rest, and says what is wrong; `stop` ends it.
        """
        runs = asyncio.create_task(self._runs.wait())
        try:
            await asyncio.wait({runs, self._begun()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            runs.cancel()

    def _begun(self) -> asyncio.Task[None]:
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(), name="start of Prosody")
        return self._starting

    async def _start(self) -> None:
        program = await asyncio.to_thread(find_prosody)
        try:
            await self._launch(program)
        except BaseException as error:
            await self._clear_away()
            if isinstance(error, TimeoutError):
                raise ServerError(
                    self._with_lines(f"Prosody was not ready within {self._timeout:g} s")
                ) from None
            if isinstance(error, OSError):
                raise ServerError(
                    f"the embedded server could not start ({error.strerror or error}): "
                    f"see that {tempfile.gettempdir()} has room and can be written to"
                ) from error
            if isinstance(error, ValueError):
                raise ServerError(f"the embedded server can't have this account: {error}") from None
            raise

    async def stop(self) -> None:
        """Stop the server and remove its folder; does nothing when there is none."""
        if self._starting is not None:
            self._used = True
            self._starting.cancel()
            await asyncio.wait({self._starting})
            if not self._starting.cancelled():
                self._starting.exception()  # for `start`, unless nobody waits for it any more
        await self._clear_away()

    async def _clear_away(self) -> None:
        await self._dismiss()
        self.pid = 0
        if self._accounts is not None:
            self._accounts = None
            # The keeper did it, unless it was never started or was killed itself.
            await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    @property
    def is_running(self) -> bool:
        """Whether it has been started, and has not ended."""
        return self._keeper is not None and self._keeper.returncode is None

    async def wait(self) -> int:
        """Wait until the server has ended, by :meth:`stop` or by itself.

        Returns:
            The exit status: Prosody's, or 128 + the signal that ended it.

        Raises:
            ServerError: It was not started.
        """
        if self._keeper is None:
            raise ServerError("the embedded server is not running: start it first")
        return await self._keeper.wait()

    async def add_account(self, user: str, password: str) -> None:
        """Add an account, or give one another password, while the server runs.

        Args:
            user: The user name (localpart).
            password: Its password.

        Raises:
            ServerError: The server is not running, or the name or password can't be used.
        """
        await self.add_accounts({user: password})

    async def add_accounts(self, accounts: Mapping[str, str]) -> None:
        """Add many accounts while the server runs.

        Args:
            accounts: From user name (localpart) to password.

        Raises:
            ServerError: The server is not running, or a name or password can't be used.
        """
        if self._accounts is None:
            raise ServerError("the embedded server is not running: start it first")
        self._initial |= accounts  # it may still have to begin anew, on another port
        try:
            await asyncio.to_thread(self._accounts.add, accounts)
        except ValueError as error:
            raise ServerError(f"the embedded server can't have this account: {error}") from None

    def _make_folder(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="callboard-prosody-")).resolve()
        self._accounts = AccountFolder(
            self.folder / "data", self.host, make_salt(secrets.token_bytes(16))
        )

    def _prepare(self) -> None:
        assert self._accounts is not None  # noqa: S101 - its folder was made
        (self.folder / "data").mkdir(mode=0o700)
        self._accounts.add(self._initial)
        certificates = self._make_certificates(self.host)
        self.certificate = self.folder / "authority.pem"
        self.certificate.write_text(certificates.authority, encoding="ascii")
        (self.folder / "certificate.pem").write_text(certificates.chain, encoding="ascii")
        key = self.folder / "key.pem"
        key.touch(mode=0o600)
        key.write_text(certificates.key, encoding="ascii")
        text = prosody_configuration(
            self.folder,
            host=self.host,
            port=self.port,
            modules=self._modules,
            plugins=self._plugins,
            http_port=self._http_port,
            plain=self._plain,
            services=self._services,
        )
        (self.folder / CONFIGURATION).write_text(text, encoding="ascii")

    async def _launch(self, program: str) -> None:
        for _ in range(ATTEMPTS):
            port, http_port = _free_ports()
            self.port = self._fixed_port or port
            if self._http_port is not None:
                self._http_port = http_port
                self.websocket = f"ws://{ADDRESS}:{http_port}/xmpp-websocket"
            try:
                await self._try_launch(program)
            except _PortTakenError:
                # The keeper has taken the folder along.
                await self._dismiss()
                if self._fixed_port:
                    raise ServerError(
                        f"port {self.port} of {ADDRESS} is taken: give the embedded server "
                        "another one, or none"
                    ) from None
                continue
            return
        raise ServerError(
            f"no port stayed free on {ADDRESS} in {ATTEMPTS} attempts: "
            "see what opens so many ports there"
        )

    async def _try_launch(self, program: str) -> None:
        await _to_the_end(self._make_folder)
        # Its own session: Ctrl-C at the terminal is ours to handle, so that calls can be drained.
        self._keeper = keeper = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", str(_KEEPER), str(self.folder)),
            *(program, "-F", "--config", str(self.folder / CONFIGURATION)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
        assert keeper.stdin is not None  # noqa: S101 - it is a pipe
        assert keeper.stdout is not None  # noqa: S101 - it is a pipe
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read_lines(keeper.stdout, opened))
        try:
            await _to_the_end(self._prepare)
            keeper.stdin.write(GO)
            self._runs.set()
            async with asyncio.timeout(self._timeout):
                await opened
                await self._greet()
        finally:
            opened.cancel()
        self._ready = True

    async def _read_lines(self, stdout: asyncio.StreamReader, opened: asyncio.Future[None]) -> None:
        """Read what Prosody says until it says no more; tell when its ports are open."""
        self._lines.clear()
        closed = {f"'c2s' on [{ADDRESS}]:{self.port}"}
        if self._http_port is not None:
            closed.add(f"'http' on [{ADDRESS}]:{self._http_port}")
        while True:
            try:
                raw = await stdout.readline()
            except ValueError:
                # A line longer than the reader's buffer, which it has dropped.
                continue
            if not raw:
                break
            line = raw.decode("utf-8", "replace").rstrip()
            if line.startswith("keeper: pid "):
                self.pid = int(line.rpartition(" ")[2])
                continue
            self._lines.append(line)
            taken = re.search(r"Failed to open server port (\d+) ", line)
            if taken and int(taken[1]) in (self.port, self._http_port) and not opened.done():
                log.debug("port %s was taken meanwhile: trying another", taken[1])
                opened.set_exception(_PortTakenError())
                continue
            log.log(_level(line), "prosody: %s", line)
            if opened.done():
                continue
            closed = {service for service in closed if f"Activated service {service}" not in line}
            if not closed:
                opened.set_result(None)
        if not opened.done():
            opened.set_exception(ServerError(self._with_lines("Prosody ended while it started")))

    async def _greet(self) -> None:
        """Open a stream as a client would, and see that STARTTLS is offered (RFC 6120 §5.4.1)."""
        reader, writer = await asyncio.open_connection(ADDRESS, self.port)
        try:
            writer.write(
                f"<stream:stream to='{self.host}' version='1.0' xmlns='jabber:client' "
                "xmlns:stream='http://etherx.jabber.org/streams'>".encode()
            )
            await writer.drain()
            try:
                features = await reader.readuntil(b"</stream:features>")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                features = b""
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if b"urn:ietf:params:xml:ns:xmpp-tls" not in features:
            raise ServerError(self._with_lines(f"Prosody does not offer STARTTLS for {self.host}"))

    async def _dismiss(self) -> None:
        """Close the lifeline of the keeper and see it off."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        if keeper.stdin is not None:
            if not self._ready:
                # Prosody loses a SIGTERM that comes before its loop runs.
                keeper.stdin.write(b"!")
            keeper.stdin.close()
        try:
            async with asyncio.timeout(STOP):
                await keeper.wait()
        except TimeoutError:
            # Prosody goes with the keeper (PR_SET_PDEATHSIG).
            with contextlib.suppress(ProcessLookupError):
                keeper.kill()
            await keeper.wait()
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader

    def _with_lines(self, sentence: str) -> str:
        lines = "".join(f"\n  {line}" for line in self._lines)
        return f"{sentence}; its last lines tell why:{lines or ' (it said nothing)'}"


async def _to_the_end(work: Callable[[], None]) -> None:
    """Run blocking work in a thread, to its end also when we are cancelled meanwhile.

    What it makes can only be removed when it makes no more.
    """
    task = asyncio.create_task(asyncio.to_thread(work))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def find_prosody() -> str:
    """Find the program; Debian's is in /usr/bin, others keep servers in sbin.

    Raises:
        ServerError: It is not installed.
    """
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
    if (program := shutil.which("prosody", path=path)) is None:
        raise ServerError(
            "Prosody is not installed, and the embedded server needs it: "
            "run 'apt-get install prosody' (or your system's like), "
            "or name another server under 'server:' in the YAML file"
        )
    return program


def _free_ports() -> tuple[int, int]:
    """Ask the system for two ports that nobody has open now."""
    with socket.socket() as one, socket.socket() as other:
        one.bind((ADDRESS, 0))
        other.bind((ADDRESS, 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def _level(line: str) -> int:
    """Choose our log level for a line of Prosody's: source, level, text."""
    found = next(iter(line.split(maxsplit=2)[1:2]), "")
    return logging.WARNING if found == "error" else logging.DEBUG
