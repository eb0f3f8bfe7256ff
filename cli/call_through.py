"""``callboard call`` beside a running instance, whose account calls."""

import asyncio
import json as json_lines
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ..actors.messages.exchange import CallStatus
from ..actors.records.call_record import CallRecord
from ..config.jid import bare
from ..control import Client
from ..control.models.calls import CallCommand
from ..control.models.events import EVENTS
from ..control.problem import NoInstanceError, ProblemKind
from ..media import MediaStatistics
from .running_instance import OF_THE_USER, talk
from .views.sentences import Sentences
from .views.steps import quality_table, step_table
from .views.terminal import Terminal

_STATUS = TypeAdapter(CallStatus)
# Its module names this for type checkers alone, so that a start can do without it.
_STATUS.rebuild(_types_namespace={"MediaStatistics": MediaStatistics})


def find_instance(file: Path) -> Path | None:
    """Return the control socket of a file's instance, or None if none runs.

    Args:
        file: the YAML file.
    """

    async def connect(path: Path) -> None:
        async with Client.connected(path):
            pass

    with suppress(NoInstanceError, OSError):
        path = Client.find(file)
        asyncio.run(connect(path))
        return path
    return None


def call_through(socket: Path, account: str, to: str, *, json: bool, **how: Any) -> int:
    """Let an account of a running instance call somebody, and say how it went.

    Args:
        socket: the instance's.
        account: who calls.
        to: whom.
        json: print JSON lines.
        how: what else `CallCommand` has.

    Returns:
        0 if the call connected, or goes on alone, 1 if not, 2 if an argument is wrong.
    """
    sentences = Sentences()
    statuses: list[CallStatus] = []
    records: list[CallRecord] = []

    def see(event: dict[str, Any]) -> None:
        line = json_lines.dumps(event) if json else sentences.line(EVENTS.validate_python(event))
        if line is not None:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        if event["event"] == "CallRecord":
            records.append(CallRecord.from_json(json_lines.dumps(event)))
        elif event["event"] == "CallStatus" and event["account"] == bare(account):
            fields = {name: event[name] for name in CallStatus.__match_args__}
            statuses.append(_STATUS.validate_python(fields))

    async def place(client: Client) -> int:
        connected = False
        async for told in client.follow(CallCommand(account=account, to=to, **how)):
            if isinstance(told, dict):
                see(told)
            elif told.record is None:
                sys.stdout.write(f"{told.model_dump_json() if json else told.id}\n")
                connected = True
            else:
                connected = told.record.connected is not None
        return 0 if connected else 1

    wrong = OF_THE_USER | {ProblemKind.UNKNOWN_ACCOUNT}  # FROM is an account of the file
    status = talk(None, socket, place, of_the_user=wrong)
    if not json and statuses:
        show_call(statuses[-1], records)
    return status


def show_call(status: CallStatus, records: Sequence[CallRecord]) -> None:
    """Print how a call was set up, and how good it was if it connected.

    Args:
        status: how it stood at last, as the caller saw it.
        records: those of its ends that are ours.
    """
    terminal = Terminal()
    terminal.print(step_table(status))
    if any(one.connected is not None for one in records):
        terminal.print(quality_table(records))
