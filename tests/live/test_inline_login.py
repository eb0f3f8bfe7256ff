"""Logins in one round trip on a server that has them, with a token from the second one on."""

import logging
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from callboard.actors.messages.exchange import AccountChanged
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB, PASSWORD, Stage, staged

INLINE = ("sasl2_on_0_12", "sasl2", "sasl2_bind2", "sasl2_fast")

pytestmark = pytest.mark.skipif(
    not Path("/usr/lib/prosody/modules/mod_sasl2").exists(),
    reason="Prosody's modules for SASL2 are not here (Debian: prosody-modules)",
)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Let what goes over the streams be seen, as the log has it."""
    caplog.set_level(logging.DEBUG, logger="callboard.actors.xmpp.stream")
    return caplog


def login_of(account: str, said: pytest.LogCaptureFixture) -> list[str]:
    """Return what was said since a login began, both ways; and forget all.

    What the connection before still said, such as an acknowledgement, is left out.
    """
    lines = [
        message.removeprefix(f"{account} ")
        for message in said.messages
        if message.startswith(f"{account} ") and re.match(r"\S+ (SEND|RECV): ", message)
    ]
    said.clear()
    begin = next(n for n, line in enumerate(lines) if line.startswith("SEND: <stream:stream"))
    return lines[begin:]


def sent(lines: Sequence[str]) -> list[str]:
    """Return the names of the elements of a login that were sent, without STARTTLS."""
    names = [re.match(r"SEND: <([\w:]+)", line) for line in lines]
    login = [name[1] for name in names if name is not None]
    return [name for name in login if name not in ("starttls", "stream:stream")]


async def cut(stage: Stage, account: str) -> None:
    """Break an account's connection, and return when it is online again."""
    stage.events.clear()
    (await stage.account(account))._session.stream.lose()
    await stage.until(AccountChanged, lambda e: e.jid == account and e.state == "online")


def test_a_login_is_one_round_trip_and_the_next_one_needs_no_password(
    run: Run, tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB], modules=INLINE) as stage:
            assert sent(login_of(ALICE, said))[:3] == ["authenticate", "response", "enable"]
            resource = (await stage.account(ALICE))._session.jid.partition("/")[2]
            assert resource.startswith("callboard~")
            await cut(stage, ALICE)
            again = login_of(ALICE, said)
            assert sent(again)[:2] == ["authenticate", "resume"]
            request = next(one for one in again if one.startswith("SEND: <authenticate"))
            assert "mechanism='HT-SHA-256-NONE'" in request
            assert stage.all(AccountChanged)[-1].detail == "resumed"
            one, other = await stage.connected(ALICE, BOB)
            await one.hangup()
            await other.ended()
        assert PASSWORD not in said.text
        assert "secret-token" not in said.text

    run(main)


def test_a_declared_resource_is_kept(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [f"{ALICE}/desk"], modules=INLINE) as stage:
            assert (await stage.account(ALICE))._session.jid == f"{ALICE}/desk"

    run(main)


def test_a_token_that_is_lost_costs_one_try(
    run: Run, tmp_path: Path, said: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE], modules=INLINE) as stage:
            login_of(ALICE, said)
            stream = (await stage.account(ALICE))._session.stream
            stream._fast._token += "x"
            await cut(stage, ALICE)
            waited = next(one for one in stage.all(AccountChanged) if one.state == "waiting")
            assert "the connection broke" in waited.detail
            lines = login_of(ALICE, said)
            assert sent(lines)[:3] == ["authenticate", "authenticate", "response"]
            details = [one.detail for one in stage.all(AccountChanged)]
            assert any("no longer takes the token" in each for each in details)
            await cut(stage, ALICE)
            assert "response" not in sent(login_of(ALICE, said))

    run(main)
