"""Which messages an actor takes: its union, its handlers and mypy say the same."""

import importlib
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from callboard import actors
from callboard.actors.runtime.actor import AsyncioActor
from callboard.actors.runtime.ask import Ask
from callboard.actors.runtime.messages import SupervisorMessage
from callboard.actors.runtime.supervision import Supervisor

#: What each supervisor takes besides its own.
OF_SUPERVISORS = set(get_args(SupervisorMessage))

ROOT = Path(__file__).resolve().parents[2]

IMPORTS = """
from callboard.actors.messages.account import AccountRef, GetRoster, PlaceCall, Send
from callboard.actors.messages.call import CallRef, GetStatus, Hangup
from callboard.actors.messages.call_log import CallLogRef, Flush
from callboard.actors.messages.conversation import CallEnded, ConversationRef
from callboard.actors.messages.exchange import CallStatus, ExchangeRef, FindAccount
from callboard.actors.runtime.messages import StopChild
from callboard.actors.runtime.ref import AsyncioActorRef
from callboard.actors.xmpp.contact import Contact
from callboard.actors.xmpp.events import IqAnswered
from xml.etree.ElementTree import Element

async def use(
    account: AccountRef, conversation: ConversationRef, call: CallRef, exchange: ExchangeRef,
    log: CallLogRef, order: PlaceCall,
) -> None:
"""

RIGHT = (
    'account.tell(Send(Element("presence")))',
    'assert account.post(Send(Element("presence")))',
    "call.tell(Hangup())",
    'conversation.tell(CallEnded("sid"))',
    'found: AccountRef | None = await exchange.request(FindAccount("a@x"), timeout=1)',
    'ended: BaseException | None = await (await exchange.request(StopChild("a@x"), timeout=1))',
    "contacts: tuple[Contact, ...] = await account.request(GetRoster(), timeout=1)",
    "status: CallStatus = await call.request(GetStatus(), timeout=1)",
    "placed: CallRef = await (await account.request(order, timeout=1))",
    "hears: AsyncioActorRef[IqAnswered] = conversation",
    'hears.tell(IqAnswered("token", None))',
)

WRONG = (
    "account.tell(Hangup())",
    "account.post(Hangup())",
    "call.tell(GetRoster())",
    "call.tell(Hangup)",
    'call.post(CallEnded("sid"))',
    "conversation.tell(Hangup())",
    "conversation.tell(object())",
    "exchange.tell(GetStatus())",
    'log.post(CallEnded("sid"))',
    "account.ask(Hangup(), block=False)",
    "await account.request(GetStatus(), timeout=1)",
    "await call.request(GetRoster(), timeout=1)",
    "await log.request(Flush(), timeout=1)",
    "await call.request(Hangup(), timeout=1)",
    "text: str = await call.request(GetStatus(), timeout=1)",
    "takes_more: AccountRef = exchange",
)


def messages_of(actor: type) -> set[type]:
    """The union that an actor, or a class that it is made of, is declared with."""
    for base in actor.__mro__:
        for declared in getattr(base, "__orig_bases__", ()):
            if get_origin(declared) in (AsyncioActor, Supervisor):
                found = set(get_args(get_args(declared)[0]))
                return found | (OF_SUPERVISORS if get_origin(declared) is Supervisor else set())
    raise AssertionError(f"{actor} does not say what it takes")


def actor_classes() -> Iterator[type[AsyncioActor[Any]]]:
    for module in pkgutil.walk_packages(actors.__path__, "callboard.actors."):
        importlib.import_module(module.name)
    waiting: list[type[AsyncioActor[Any]]] = [AsyncioActor]
    while waiting:
        found = waiting.pop()
        ours = [one for one in found.__subclasses__() if one.__module__.startswith(actors.__name__)]
        waiting += ours
        if not ours and found is not Supervisor:
            yield found


ACTORS = sorted(actor_classes(), key=lambda one: one.__name__)


def test_all_actors_are_found() -> None:
    assert {one.__name__ for one in ACTORS} == {
        "Account",
        "Bridge",
        "Call",
        "CallLog",
        "CallLogSupervisor",
        "Conversation",
        "Exchange",
        "Guest",
        "Recorder",
        "Room",
    }


@pytest.mark.parametrize("actor", ACTORS)
def test_an_actor_handles_its_messages_no_more_and_no_less(actor: type[AsyncioActor[Any]]) -> None:
    assert set(actor._handlers) == messages_of(actor)


@pytest.mark.parametrize("actor", ACTORS)
def test_what_is_asked_names_the_messages_of_who_answers(actor: type[AsyncioActor[Any]]) -> None:
    name = {"Call": "CallActor"}.get(actor.__name__, actor.__name__) + "Message"
    for message in messages_of(actor):
        bases = [one for kind in message.__mro__ for one in vars(kind).get("__orig_bases__", ())]
        asks = [one for one in bases if get_origin(one) is Ask]
        if message.__module__.startswith("callboard.actors.messages"):
            assert [get_args(one)[0].__forward_arg__ for one in asks] in ([], [name]), message


def test_mypy_rejects_what_goes_to_the_wrong_actor(tmp_path: Path) -> None:
    body = "".join(f"    {line}\n" for line in (*RIGHT, *WRONG))
    text = IMPORTS.lstrip() + body
    snippet = tmp_path / "snippet.py"
    snippet.write_text(text, encoding="utf-8")
    # As in script/types, so that what it has found about all that is imported is not found anew.
    types = ROOT / ".venv" / "types"
    types.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        (types / "callboard").symlink_to("../..")
    found = subprocess.run(
        (sys.executable, "-m", "mypy", "--strict", "--no-error-summary", snippet),
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(types.relative_to(ROOT))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not found.stderr
    lines = text.splitlines()
    # Of the same text, mypy repeats what it has found before, in the folder of that time.
    own = [line for line in found.stdout.splitlines() if f"/{snippet.name}:" in line]
    complaints = [line for line in own if ": error:" in line]
    rejected = {lines[int(line.split(":")[1]) - 1].strip() for line in complaints}
    assert rejected == set(WRONG), found.stdout
