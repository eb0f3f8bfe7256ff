"""Logging in: what works, what does not, and what an operator is told then."""

import asyncio
import base64
import logging
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from callboard.actors.messages.exchange import AccountChanged
from callboard.actors.xmpp.stream import Stream
from callboard.server.certificate import make_certificates
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, PASSWORD, Told, staged

HEADER = (
    "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
    "from='localhost' id='1' version='1.0'><stream:features>{}</stream:features>"
)
PLAIN = (
    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>"
)
REFUSAL = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>"


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@asynccontextmanager
async def plain_server(context: ssl.SSLContext | None) -> AsyncIterator[tuple[int, bytearray]]:
    """Listen as a server that offers PLAIN alone and refuses it; gives its port, what it hears."""
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(4096):
                heard.extend(data)
                if b"<stream:stream" in data:
                    writer.write(HEADER.format(PLAIN).encode())
                elif b"<auth" in data:
                    writer.write(REFUSAL.encode())
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], heard


def tls_context(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a server's context, and the file of the authority to trust."""
    made = make_certificates("localhost")
    authority, chain, key = folder / "authority.pem", folder / "chain.pem", folder / "key.pem"
    for path, text in ((authority, made.authority), (chain, made.chain), (key, made.key)):
        path.write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    return context, authority


def test_an_account_logs_in_and_its_bot_starts_and_stops_once(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            assert await stage.told(ALICE, str) == "start"
            assert [event.state for event in stage.all(AccountChanged)] == ["connecting", "online"]
            assert stage.deployment is not None
            assert await stage.deployment.settled() == 1
        assert [told.what for told in stage.all(Told)] == ["start", "stop"]
        assert stage.all(AccountChanged)[-1].state == "closed"

    run(main)


@pytest.mark.parametrize(
    "mistake",
    [{"password": "wrong"}, {"jid": "missing@localhost"}],
    ids=["wrong-password", "missing-account"],
)
def test_a_refused_login_has_one_joint_remedy_and_the_others_go_on(
    run: Run, tmp_path: Path, mistake: dict[str, str]
) -> None:
    async def main() -> None:
        other = {"jid": "bob@localhost", **mistake}
        async with staged(tmp_path, [ALICE, other], missing=["missing"], wait=False) as stage:
            failed = await stage.state(other["jid"], "failed")
            assert "check the password, and that the account exists" in failed.detail
            await stage.online(ALICE)
            assert stage.deployment is not None
            assert await stage.deployment.settled() == 1

    run(main)


@pytest.mark.parametrize(
    ("server", "jid", "state", "remedy"),
    [
        ({"port": closed_port}, ALICE, "waiting", "nothing listens .* check server.host and"),
        (
            {"host": lambda: "nowhere.invalid"},
            ALICE,
            "waiting",
            "host nowhere.invalid is unknown .*host",
        ),
        ({}, "alice@elsewhere.test", "failed", "does not serve the domain elsewhere.test"),
    ],
    ids=["port-closed", "host-unknown", "domain-unknown"],
)
def test_a_server_that_is_not_there_is_named_with_a_remedy(
    run: Run,
    tmp_path: Path,
    server: dict[str, Callable[[], object]],
    jid: str,
    state: str,
    remedy: str,
) -> None:
    async def main() -> None:
        wrong = {key: make() for key, make in server.items()}
        async with staged(tmp_path, [jid], server=wrong, wait=False) as stage:
            changed = await stage.state(jid, state)
            assert changed.jid == jid
            assert "\n" not in changed.detail
            assert re.search(remedy, changed.detail), changed.detail
            assert stage.deployment is not None
            settled = asyncio.ensure_future(stage.deployment.settled())
            if state == "failed":
                assert await settled == 0
        assert await settled == 0  # a login that is tried again is open until the end

    run(main)


def test_a_certificate_that_is_not_trusted_ends_the_login(run: Run, tmp_path: Path) -> None:
    _, stranger = tls_context(tmp_path)

    async def main() -> None:
        async with staged(tmp_path, [ALICE], server={"ca": stranger}, wait=False) as stage:
            failed = await stage.state(ALICE, "failed")
            assert "certificate is not trusted" in failed.detail
            assert "set server.ca" in failed.detail

    run(main)


def test_without_tls_nothing_secret_is_said(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            plain_server(None) as (port, heard),
            staged(tmp_path, [ALICE], server={"port": port}, wait=False) as stage,
        ):
            failed = await stage.state(ALICE, "failed")
            assert "offers no TLS" in failed.detail
        assert b"<stream:stream" in heard
        assert b"<auth" not in heard

    run(main)


def test_twenty_accounts_log_in_at_once(run: Run, tmp_path: Path) -> None:
    jids = [f"load-{number}@localhost" for number in range(20)]

    async def main() -> None:
        async with staged(tmp_path, jids) as stage:
            assert stage.deployment is not None
            assert await stage.deployment.settled() == 20
            assert {event.jid for event in stage.all(AccountChanged)} == set(jids)

    run(main)


@pytest.mark.parametrize("mechanism", ["SCRAM", "PLAIN"])
def test_secrets_are_in_no_log_and_no_repr(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, mechanism: str
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="slixmpp.xmlstream.xmlstream")
    context, authority = tls_context(tmp_path)

    async def main() -> None:
        if mechanism == "SCRAM":
            async with staged(tmp_path, [ALICE]) as stage:
                account = await stage.account(ALICE)
                assert isinstance(account._session.stream, Stream)
                shown = [
                    repr(each) for each in (account, account._session.stream, account._context)
                ]
                assert not any(PASSWORD in each for each in shown), shown
            return
        async with plain_server(context) as (port, heard):
            server = {"port": port, "tls": "direct", "ca": authority, "host": "localhost"}
            async with staged(tmp_path, [ALICE], server=server, wait=False) as stage:
                await stage.state(ALICE, "failed")
            assert b"<auth" in heard

    run(main)
    logged = caplog.text
    assert re.search(
        "alice@localhost SEND: <stream:stream (from='alice@localhost' )?to='localhost'", logged
    )
    assert re.search("alice@localhost SEND: <auth [^>]*>\\*{3}</auth>", logged)
    for secret in (PASSWORD, base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()):
        assert secret not in logged
