"""``callboard call``."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import typer

from ..actors.messages.account import AccountRef
from ..actors.messages.exchange import AccountChanged, BotFailed, CallStatus
from ..actors.records.call_record import CallRecord
from ..bots.bot import Bot
from ..bots.caller import CallerBot
from ..bots.options import OptionsError
from ..config import Embedded, Settings
from ..config.jid import bare, is_jid
from ..config.load import no_account
from ..server import ServerError
from .call_through import call_through, find_instance, show_call
from .deployed import deployed
from .exchange_error import ExchangeError, reason
from .main_loop import run_loop
from .process_end import INTERRUPTED
from .run import anybody_online, drawn
from .settings import read_or_exit
from .views.event import Event
from .views.view import View, log_to, make_view

#: The bot's options as the command line has them.
_ARGUMENTS = {
    "to": "TO",
    "seconds": "--seconds",
    "audio": "--audio",
    "video": "--video",
    "record": "--record",
}
#: Seconds that a call which has been hung up has for its end.
GOODBYE = 1.0


def call(
    file: Path,
    account: str,
    to: str,
    *,
    seconds: float,
    audio: str,
    video: str,
    record: bool,
    detach: bool,
    within: float | None,
    json: bool,
) -> int:
    """Let one account of a file call somebody, and say how it went.

    If an instance of the file runs, its account calls. If not, that account alone is run, and the
    one who is called as well, if it is an account of the file too.

    Args:
        file: the YAML file.
        account: who calls: a JID of the file.
        to: whom to call.
        seconds: how long the call is held.
        audio: what is sent.
        video: what is shown.
        record: whether both directions are recorded.
        detach: let a running instance hold the call without this command.
        within: how many seconds are tried to log in, or None for ever.
        json: print JSON lines.

    Returns:
        0 if the call connected, 1 if not, 2 if the file or an argument is wrong, 130 if somebody
        interrupted it before it connected.
    """
    socket = find_instance(file)
    if socket is not None:
        how: dict[str, Any] = {
            "audio": audio,
            "video": video,
            "record": record,
            "seconds": seconds,
            "detach": detach,
            "online_within": within,
        }
        return call_through(socket, account, to, json=json, **how)
    if detach:
        words = f"--detach: nothing runs {file}: start it with callboard run"
        typer.echo(f"callboard: {words}", err=True)
        return 1
    settings, classes = read_or_exit(file)
    folder = file.absolute().parent
    options = {"to": to, "seconds": seconds, "audio": audio, "video": video, "record": record}
    faults = list(_faults(settings, account, options, folder))
    for fault in faults:
        typer.echo(f"callboard: {fault}", err=True)
    if faults:
        return 2
    by_name = {one.bare_jid: one for one in settings.accounts}
    caller = by_name[bare(account)].model_copy(update={"bot": "caller", "options": options})
    others = tuple(by_name[one] for one in {bare(to)} - {bare(account)} if one in by_name)
    drain = min(settings.drain, GOODBYE)  # who ends the command ends the call
    settings = settings.model_copy(update={"accounts": (*others, caller), "drain": drain})
    view = make_view(as_json=json)
    log_to(view, settings.log_level)
    watch = _Watch(view, bare(account), bare(to), within)
    try:
        run_loop(watch.run(settings, {**classes, "caller": CallerBot}, folder))
    except asyncio.CancelledError:
        return INTERRUPTED
    except (ServerError, ExchangeError, OSError) as error:
        typer.echo(f"callboard: {reason(error)}", err=True)
        return 1
    finally:
        view.close()
    return watch.tell(json=json)


def _faults(
    settings: Settings, account: str, options: Mapping[str, Any], folder: Path
) -> Iterator[str]:
    """Say what is wrong with the arguments, a sentence each, before anything connects."""
    known = {one.bare_jid for one in settings.accounts}
    to = options["to"]
    if bare(account) not in known:
        yield f"FROM: {no_account('the file', account, known)}"
    try:
        CallerBot(cast(AccountRef, None), bare(account), options, folder)
    except OptionsError as error:
        yield from (f"{_ARGUMENTS[option]}: {sentence}" for option, sentence in error.faults)
    if not is_jid(to) or not isinstance(settings.server, Embedded):
        return
    if bare(to) not in known:
        yield f"TO: {no_account('the embedded server', to, known)}"


class _Watch:
    """Waits for the end of one account's call.

    Args:
        view: shows what happens meanwhile.
        caller: whose call it is.
        callee: who is called.
        within: how many seconds are tried to log in, or None for ever.
    """

    def __init__(self, view: View, caller: str, callee: str, within: float | None) -> None:
        self._view = view
        self._caller = caller
        self._callee = callee
        self._failure = ""
        self._within = within
        self._was_online = False
        self._is_interrupted = False
        self._done = asyncio.Event()
        self._status: CallStatus | None = None
        self._records: list[CallRecord] = []

    def see(self, event: Event) -> None:
        """Take an event."""
        self._view.show(event)
        if isinstance(event, CallStatus) and self._is_ours(event):
            self._status = event
        if isinstance(event, CallRecord):
            self._records.append(event)
        match event:
            case (
                CallRecord(account=self._caller, direction="out") | BotFailed(account=self._caller)
            ):
                self._done.set()
            case AccountChanged(jid=self._caller, state="online"):
                self._was_online = True
            case AccountChanged(jid=self._caller, state="failed" | "waiting" as state):
                if state == "failed" or self._was_online:
                    self._done.set()
            case AccountChanged(jid=jid, state="failed", detail=detail) if jid == self._callee:
                self._failure = f"{jid} can't be called, because it stays offline: {detail}"
                self._done.set()

    def _is_ours(self, event: CallStatus | CallRecord) -> bool:
        """Whether it is of the call, not of one that others place meanwhile."""
        return event.account == self._caller and event.direction == "out"

    async def run(self, settings: Settings, classes: dict[str, type[Bot]], folder: Path) -> None:
        """Run until the call is over or somebody ends it."""
        async with (
            drawn(self._view),
            deployed(settings, classes, folder, self.see) as deployment,
        ):
            if not await anybody_online(deployment, self._within):
                return
            self._is_interrupted = deployment.stopping.is_set()
            done = asyncio.ensure_future(self._done.wait())
            over = asyncio.ensure_future(deployment.over())
            await asyncio.wait({done, over}, return_when=asyncio.FIRST_COMPLETED)
            done.cancel()
            over.cancel()
            if over.done() and not over.cancelled():
                over.result()
                self._is_interrupted = True

    def tell(self, *, json: bool) -> int:
        """Say how it went; return the exit status."""
        if self._failure:
            typer.echo(f"callboard: {self._failure}", err=True)
        ours = next((one for one in self._records if self._is_ours(one)), None)
        if not json and self._status is not None:
            both = [one for one in self._records if ours is None or one.id == ours.id]
            show_call(self._status, both)
        if ours is not None and ours.connected is not None:
            return 0
        return INTERRUPTED if self._is_interrupted else 1
