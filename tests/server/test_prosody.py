"""The embedded server, with real clients and real signals."""

import asyncio
import os
import select
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
from callboard.server import Prosody, ServerError, keeper
from callboard.server import prosody as module
from callboard.tests.conftest import Run
from callboard.tests.harness.ports import free_ports
from slixmpp import JID, ClientXMPP, Iq

needs_prosody = pytest.mark.skipif(
    shutil.which("prosody", path=os.environ.get("PATH", "") + ":/usr/sbin") is None,
    reason="prosody is not installed",
)


@asynccontextmanager
async def client(
    server: Prosody, user: str, password: str, plugins: Iterable[str] = ()
) -> AsyncIterator[tuple[ClientXMPP, str]]:
    """A client that tries to log in, and what came of it."""
    context = ssl.create_default_context(cafile=server.certificate)
    xmpp = ClientXMPP(f"{user}@{server.host}", password, ssl_context=context)
    for plugin in plugins:
        xmpp.register_plugin(plugin)
    xmpp.enable_direct_tls = False
    outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def report(what: str) -> None:
        if not outcome.done():
            outcome.set_result(what)

    xmpp.add_event_handler("session_start", lambda _: report("session_start"))
    xmpp.add_event_handler("failed_all_auth", lambda _: report("failed_all_auth"))
    xmpp.add_event_handler("ssl_cert_error", lambda _: report("ssl_cert_error"))
    xmpp.connect(server.address, server.port)
    try:
        yield xmpp, await asyncio.wait_for(outcome, 60)
    finally:
        await xmpp.disconnect(wait=1)
        # slixmpp leaves this task behind.
        if (task := xmpp._run_out_filters) is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@needs_prosody
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_client_logs_in_over_verified_starttls(
    loop: Literal["asyncio", "uvloop"], run: Run
) -> None:
    async def main() -> None:
        async with (
            Prosody({"alice": "secret"}) as server,
            client(server, "alice", "secret") as (xmpp, outcome),
        ):
            assert outcome == "session_start"
            assert xmpp.transport is not None
            assert isinstance(xmpp.transport.get_extra_info("ssl_object"), ssl.SSLObject)
            assert xmpp.features >= {"starttls", "mechanisms", "bind"}

    run(main, loop=loop)


@needs_prosody
def test_a_wrong_password_and_a_missing_account_are_refused() -> None:
    async def main() -> None:
        async with Prosody({"alice": "secret"}) as server:
            async with client(server, "alice", "Secret") as (_, outcome):
                assert outcome == "failed_all_auth"
            async with client(server, "bob", "secret") as (_, outcome):
                assert outcome == "failed_all_auth"

    asyncio.run(main())


@needs_prosody
def test_another_authority_is_not_trusted() -> None:
    async def main() -> None:
        async with Prosody({}) as server, Prosody({}) as other:
            context = ssl.create_default_context(cafile=other.certificate)
            reader, writer = await asyncio.open_connection(server.address, server.port)
            writer.write(
                b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
                b"xmlns:stream='http://etherx.jabber.org/streams'>"
            )
            features = await reader.readuntil(b"</stream:features>")
            assert b"<required/>" in features
            assert b"<mechanism>" not in features
            writer.write(b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            await reader.readuntil(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
            with pytest.raises(ssl.SSLCertVerificationError):
                await writer.start_tls(context, server_hostname="localhost")
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    asyncio.run(main())


@needs_prosody
@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("load-0001", 'quote" back\\slash {} ]] -- %x'),
        ("Ünter.wegs_2", "pässword \u00aa"),
        ("a" * 100, "x" * 500),
    ],
)
def test_odd_names_and_passwords_log_in(user: str, password: str) -> None:
    async def main() -> None:
        async with Prosody({user: password}) as server:
            async with client(server, user, password) as (_, outcome):
                assert outcome == "session_start"
            async with client(server, user, password + "x") as (_, outcome):
                assert outcome == "failed_all_auth"

    asyncio.run(main())


@needs_prosody
def test_accounts_are_added_while_it_runs() -> None:
    async def main() -> None:
        async with Prosody({"alice": "secret"}) as server:
            await server.add_account("bob", "first")
            async with client(server, "bob", "first") as (_, outcome):
                assert outcome == "session_start"
            await server.add_accounts({"bob": "second", "carol": "third"})
            async with client(server, "bob", "first") as (_, outcome):
                assert outcome == "failed_all_auth"
            async with client(server, "bob", "second") as (_, outcome):
                assert outcome == "session_start"
        with pytest.raises(ServerError, match="start it first"):
            await server.add_account("dave", "late")

    asyncio.run(main())


@needs_prosody
def test_it_carries_iqs_and_offers_what_bots_need() -> None:
    async def main() -> None:
        plugins = ["xep_0030", "xep_0198", "xep_0199", "xep_0280"]
        async with (
            Prosody({"alice": "a", "bob": "b"}) as server,
            client(server, "alice", "a", plugins) as (alice, _),
            client(server, "bob", "b", plugins) as (bob, _),
        ):
            result: Iq = await bob.plugin["xep_0199"].send_ping(alice.boundjid, timeout=60)
            assert result["from"] == alice.boundjid
            info = await bob.plugin["xep_0030"].get_info(JID("localhost"), timeout=60)
            features = set(info["disco_info"]["features"])
            assert features >= {"urn:xmpp:carbons:2", "urn:xmpp:ping", "urn:xmpp:blocking"}
            assert "sm" in bob.features or bob.plugin["xep_0198"].enabled_in

    asyncio.run(main())


@needs_prosody
def test_it_is_private_and_leaves_nothing_behind() -> None:
    async def main() -> None:
        async with Prosody({"alice": "secret"}) as server:
            folder, pid = server.folder, server.pid
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
            assert (
                "secret"
                not in (folder / "data" / "localhost" / "accounts" / "alice.dat").read_text()
            )
            assert alive(pid)
            assert listening(pid) == {("127.0.0.1", server.port)}
        assert not alive(pid)
        assert not folder.exists()
        await server.stop()
        with pytest.raises(RuntimeError, match="another one"):
            await server.start()

    asyncio.run(main())


def listening(pid: int) -> set[tuple[str, int]]:
    """The TCP addresses on which a process listens, from /proc (IPv4; IPv6 ones as "ipv6")."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            inodes.add(str(link.readlink()))
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes:
                address, _, port = fields[1].partition(":")
                host = socket.inet_ntoa(bytes.fromhex(address)[::-1]) if name == "tcp" else "ipv6"
                found.add((host, int(port, 16)))
    return found


@needs_prosody
def test_two_run_side_by_side() -> None:
    async def main() -> None:
        async with Prosody({}) as one, Prosody({}, host="xmpp.example") as two:
            assert one.port != two.port
            assert one.folder != two.folder

    asyncio.run(main())


@needs_prosody
def test_browsers_find_a_websocket_where_it_is_wanted() -> None:
    async def main() -> None:
        async with Prosody({}) as without, Prosody({}, websocket=True) as server:
            assert without.websocket == ""
            url = urlsplit(server.websocket)
            reader, writer = await asyncio.open_connection(url.hostname, url.port)
            writer.write(
                f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Protocol: xmpp\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 101")
            assert b"Sec-WebSocket-Protocol: xmpp" in answer
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    asyncio.run(main())


@needs_prosody
def test_a_taken_port_is_left_to_its_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        taken, (free, other) = owner.getsockname()[1], module._free_ports()
        ports = [(taken, other), (free, taken), (free, other)]
        monkeypatch.setattr(module, "_free_ports", lambda: ports.pop(0))

        async def main() -> None:
            async with Prosody({"alice": "secret"}, websocket=True) as server:
                assert not ports
                async with client(server, "alice", "secret") as (_, outcome):
                    assert outcome == "session_start"

        asyncio.run(main())


@needs_prosody
def test_no_free_port_at_all_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as owner:
        taken = owner.getsockname()[1]
        monkeypatch.setattr(module, "_free_ports", lambda: (taken, taken))
        server = Prosody({})
        with pytest.raises(ServerError, match="no port stayed free"):
            asyncio.run(server.start())
        assert not server.folder.exists()


def test_a_missing_prosody_is_one_sentence_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(ServerError, match="apt-get install prosody"):
        asyncio.run(Prosody({}).start())


def fake_prosody(folder: Path, script: str) -> str:
    program = folder / "prosody"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("script", "timeout", "expected"),
    [
        ("echo 'the cat ate it'; exit 3", 60, "ended while it started.*the cat ate it"),
        ("exit 0", 60, "ended while it started.*said nothing"),
        ("echo hanging; exec sleep 60", 1.5, "not ready within 1.5 s.*hanging"),
    ],
)
def test_a_start_that_fails_tells_the_last_lines(
    script: str, timeout: float, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = fake_prosody(tmp_path, script)
    monkeypatch.setattr(module, "find_prosody", lambda: program)
    server = Prosody({}, timeout=timeout)
    with pytest.raises(ServerError, match=f"(?s){expected}"):
        asyncio.run(server.start())
    assert not server.folder.exists()


def test_a_stubborn_prosody_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "trap '' TERM; echo $$ > {}; while :; do read line; done < /dev/zero"
    program = fake_prosody(tmp_path, script.format(tmp_path / "pid"))
    monkeypatch.setattr(module, "find_prosody", lambda: program)
    server = Prosody({}, timeout=1.5)
    with pytest.raises(ServerError, match="not ready"):
        asyncio.run(server.start())
    assert not alive(int((tmp_path / "pid").read_text()))
    assert not server.folder.exists()


@needs_prosody
def test_its_port_can_be_chosen(run: Run) -> None:
    async def main() -> None:
        port, _ = free_ports(1)
        async with Prosody({"alice": "secret"}, port=port) as server:
            assert server.port == port
            async with client(server, "alice", "secret") as (_, outcome):
                assert outcome == "session_start"
            with pytest.raises(ServerError, match=f"^port {port} of 127.0.0.1 is taken: give"):
                await Prosody({}, port=port).start()

    run(main)


@needs_prosody
def test_its_end_is_told() -> None:
    async def main() -> None:
        async with Prosody({}) as server:
            waiting = asyncio.create_task(server.wait())
            os.kill(server.pid, signal.SIGKILL)
            assert await waiting == 128 + signal.SIGKILL
            assert not server.folder.exists()

    asyncio.run(main())


@needs_prosody
def test_a_cancelled_start_leaves_nothing_behind() -> None:
    async def main() -> None:
        reached = asyncio.Event()

        class Slow(Prosody):
            async def _greet(self) -> None:
                reached.set()
                await asyncio.Event().wait()

        server = Slow({})
        starting = asyncio.create_task(server.start())
        await reached.wait()
        pid = server.pid
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert not alive(pid)
        assert not server.folder.exists()

    asyncio.run(main())


@needs_prosody
@pytest.mark.parametrize("is_awaited", [True, False])
@pytest.mark.parametrize("reaches", ["begun", "_prepare", "_greet", "ready"])
def test_a_start_that_has_begun_ends_when_it_is_stopped(
    run: Run, reaches: str, is_awaited: bool
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        reached = asyncio.Event()

        class Seen(Prosody):
            def _prepare(self) -> None:
                super()._prepare()
                if reaches == "_prepare":
                    loop.call_soon_threadsafe(reached.set)

            async def _greet(self) -> None:
                if reaches == "_greet":
                    reached.set()
                    await asyncio.Event().wait()
                await super()._greet()

        server = Seen({})
        beginning = asyncio.create_task(server.begin())
        await asyncio.sleep(0)
        starting = asyncio.create_task(server.start()) if is_awaited else None
        if reaches == "ready":
            await asyncio.wait({server._begun()})
            assert server.is_running
        elif reaches != "begun":
            await reached.wait()
        pid = server.pid
        await server.stop()
        assert server._begun().cancelled() == (reaches != "ready")
        assert not server.is_running
        assert not pid or not alive(pid)
        assert not server.folder.name or not server.folder.exists()
        await beginning
        if starting is not None:
            await asyncio.wait({starting})
        with pytest.raises(RuntimeError, match="starts once"):
            await server.start()

    run(main)


def test_a_start_that_fails_before_anybody_waits_for_it_is_told_later(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)

    async def main() -> None:
        forgotten, awaited = Prosody({}), Prosody({})
        for server in (forgotten, awaited):
            await server.begin()
        await forgotten.stop()
        with pytest.raises(ServerError, match="apt-get install prosody"):
            await awaited.start()

    run(main)


def test_a_start_cancelled_while_it_writes_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "find_prosody", lambda: "/nonexistent")

    async def main() -> None:
        loop = asyncio.get_running_loop()
        reached, go_on = asyncio.Event(), threading.Event()

        class Slow(Prosody):
            def _prepare(self) -> None:
                loop.call_soon_threadsafe(reached.set)
                go_on.wait(10)
                super()._prepare()

        server = Slow({})
        starting = asyncio.create_task(server.start())
        await reached.wait()
        starting.cancel()
        loop.call_soon(go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await starting
        assert server.folder.name.startswith("callboard-prosody-")
        assert not server.folder.exists()

    asyncio.run(main())


@needs_prosody
def test_the_keeper_starts_while_the_files_are_written() -> None:
    async def main() -> None:
        kept: list[bool] = []

        class Seen(Prosody):
            def _prepare(self) -> None:
                kept.append(self.is_running)
                super()._prepare()

        async with Seen({}):
            assert kept == [True]

    asyncio.run(main())


def kept(folder: Path, *command: str, options: Iterable[str] = ()) -> tuple[int, str]:
    """Let a keeper run a command; return its status, and what both said."""
    done = subprocess.run(
        [sys.executable, *options, "-I", "-S", keeper.__file__, str(folder), *command],
        input=keeper.GO.decode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout


def test_a_keeper_is_there_soon(tmp_path: Path) -> None:
    status, said = kept(tmp_path / "none", "/bin/true", options=["-X", "importtime"])
    before, is_run, _ = said.partition("keeper: pid ")
    read = {line.rpartition("|")[2].strip() for line in before.splitlines()}
    assert (status, bool(is_run)) == (0, True)
    assert "signal" in read
    assert not read & {"site", "subprocess", "threading", "typing"}


def test_the_kept_program_minds_broken_pipes_as_others_do(tmp_path: Path) -> None:
    status, said = kept(tmp_path / "none", "/bin/grep", "SigIgn", "/proc/self/status")
    ignored = int(said.splitlines()[-1].split()[1], 16)
    assert status == 0
    assert not ignored & 1 << signal.SIGPIPE - 1


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    status, said = kept(folder, str(tmp_path))
    assert status == 1
    assert said.endswith(f"keeper: {tmp_path}: Permission denied\n")
    assert not folder.exists()


@pytest.mark.parametrize(("said", "is_run"), [(keeper.GO, True), (b"!", False), (b"", False)])
def test_the_keeper_runs_nothing_before_it_is_told(
    tmp_path: Path, said: bytes, is_run: bool
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-I", "-S", keeper.__file__, str(folder), "/bin/true"],
        input=said,
        stdout=subprocess.PIPE,
        check=False,
    )
    assert done.stdout.startswith(b"keeper: pid ") == is_run
    assert done.returncode == 0
    assert not folder.exists()


def gone(pid: int) -> None:
    """Wait until a process that is not our child has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], 15)[0], f"process {pid} still runs"
    finally:
        os.close(descriptor)


PARENT = textwrap.dedent(
    """
    import asyncio, time
    from callboard.server import Prosody

    async def main():
        server = Prosody({"alice": "secret"})
        await server.start()
        print(server.pid, server._keeper.pid, server.folder, flush=True)
        await asyncio.Event().wait()

    asyncio.run(main())
    """
)


@needs_prosody
@pytest.mark.parametrize("victim", ["parent", "keeper"])
def test_it_goes_with_a_killed_parent(victim: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        prosody, keeper, folder = parent.stdout.readline().split()
        assert alive(int(prosody))
        try:
            if victim == "parent":
                parent.kill()
                gone(int(prosody))
                gone(int(keeper))
                assert not Path(folder).exists()
            else:
                os.kill(int(keeper), signal.SIGKILL)
                gone(int(prosody))
        finally:
            parent.kill()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("host", ["", "LOCALHOST", "a b", "x/y", "-a", 'a"b', "ü.example"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ServerError, match="give a domain name"):
        Prosody({}, host=host)


@pytest.mark.parametrize(
    ("user", "password"),
    [("", "x"), ("a@b", "x"), ("a b", "x"), ("a\n", "x"), ("alice", ""), ("alice", "\t")],
)
def test_accounts_that_are_none_are_refused(user: str, password: str) -> None:
    monkey = pytest.MonkeyPatch()
    monkey.setattr(module, "find_prosody", lambda: "/nonexistent")
    server = Prosody({user: password})
    try:
        with pytest.raises(ServerError, match="can't have this account"):
            asyncio.run(server.start())
    finally:
        monkey.undo()
    assert not server.folder.exists()
