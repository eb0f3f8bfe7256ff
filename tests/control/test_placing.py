"""A call that is placed while the accounts still log in."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from callboard.control import Client, ControlError
from callboard.control.models.base import Command
from callboard.control.models.calls import CallCommand
from callboard.control.models.conversations import MessageCommand, MessagesCommand
from callboard.control.models.logins import LogoutCommand
from callboard.control.problem import ProblemKind
from callboard.tests.cli.instance import running_instance
from callboard.tests.conftest import Run
from callboard.tests.control.stage import controlled
from callboard.tests.harness.ports import free_ports
from callboard.tests.live.stage import ALICE, BOB


def test_who_can_not_log_in_is_not_waited_for_too_long(run: Run, tmp_path: Path) -> None:
    port, _ = free_ports(1)

    async def main() -> tuple[list[str], str]:
        events: list[str] = []

        async def place(client: Client) -> None:
            command = CallCommand(account=ALICE, to=BOB, online_within=3)
            async for told in client.follow(command):
                assert isinstance(told, dict)
                events.append(told["state"])

        nowhere = {"port": port}
        async with (
            controlled(tmp_path, [ALICE, BOB], server=nowhere, wait=False) as (_, path),
            Client.connected(path) as client,
        ):
            with pytest.raises(ControlError) as refused:
                await place(client)
        return events, refused.value.detail

    events, detail = run(main)
    assert "waiting" in events
    assert detail == f"{ALICE} could not log in within 3 s: see callboard status"


FILE = """\
drain: 0
accounts:
  - {jid: alice@localhost, bot: silent}
  - {jid: bob@localhost, bot: silent}
  - {jid: desk@localhost, bot: echo}
"""


def test_who_is_not_there_is_said_at_once_on_the_embedded_server(run: Run, tmp_path: Path) -> None:
    """No other client is there in the place of an account that is logged out."""
    near = "bobb@localhost"
    refused: tuple[tuple[Command[Any], str], ...] = (
        (
            CallCommand(account=ALICE, to=BOB),
            f"to: {BOB} is logged out, so nobody can answer: log it in first",
        ),
        (CallCommand(account=ALICE, to=near), f"did you mean {BOB}?"),
        (MessagesCommand(account=ALICE, peer=near), f"did you mean {BOB}?"),
        (MessageCommand(account=ALICE, peer=near, body="Hello"), f"did you mean {BOB}?"),
    )

    impossible: tuple[tuple[Command[Any], str], ...] = (
        (CallCommand(account=BOB, to=ALICE), f"{BOB} is logged out: log it in first"),
        (LogoutCommand(account=BOB), f"{BOB} is logged out already"),
    )

    async def ask(path: Path, command: Command[Any]) -> None:
        async with Client.connected(path) as client:
            await client.ask(command)

    with running_instance(tmp_path, FILE) as found:
        run(lambda: ask(found.socket, LogoutCommand(account=BOB)))
        found.until("AccountChanged", jid=BOB, state="closed")
        kinds = ((ProblemKind.WRONG_ARGUMENT, refused), (ProblemKind.NOT_POSSIBLE, impossible))
        for kind, commands in kinds:
            for command, words in commands:
                with pytest.raises(ControlError) as error:
                    run(partial(ask, found.socket, command))
                assert error.value.kind is kind
                assert error.value.detail.endswith(words)
