"""A call that is placed while the accounts still log in."""

from pathlib import Path

import pytest
from callboard.control import Client, ControlError
from callboard.control.models.calls import CallCommand
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
