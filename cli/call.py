"""``callboard call``."""

import asyncio
from pathlib import Path

import typer

from ..actors.messages.exchange import AccountChanged, BotFailed, CallStatus
from ..actors.records.call_record import CallRecord
from ..bots import SourceError
from ..bots.bot import Bot
from ..bots.caller import CallerBot
from ..bots.source import source
from ..config import Settings
from ..config.jid import bare, parse_jid
from ..server import ServerError
from .deployment import ExchangeError, deployed, reason
from .main_loop import run_loop
from .run import anybody_online, drawn
from .settings import read_or_exit
from .views.event import Event
from .views.steps import quality_table, step_table
from .views.terminal import Terminal
from .views.view import View, log_to, make_view

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
    within: float | None,
    json: bool,
) -> int:
    """Let one account of a file call somebody, and say how it went.

    If the one who is called is an account of the file too, its bot runs as well.

    Args:
        file: the YAML file.
        account: who calls: a JID of the file.
        to: whom to call.
        seconds: how long the call is held.
        audio: what is sent.
        video: what is shown.
        record: whether both directions are recorded.
        within: how many seconds are tried to log in, or None for ever.
        json: print JSON lines.

    Returns:
        0 if the call connected, 1 if not, 2 if the file has no such account, or who is to be
        called is no JID, or a source is none.
    """
    settings, classes = read_or_exit(file)
    caller = next((one for one in settings.accounts if bare(one.jid) == bare(account)), None)
    if caller is None:
        known = ", ".join(one.jid for one in settings.accounts[:5])
        typer.echo(f"{file}: there is no account {account}; it has {known}", err=True)
        return 2
    try:
        parse_jid(to)
    except ValueError as error:
        typer.echo(f"callboard: {error}", err=True)
        return 2
    folder = file.absolute().parent
    try:
        sources = [source(one, folder) for one in (audio, video)]
    except SourceError as error:
        typer.echo(f"callboard: {error}", err=True)
        return 2
    if not any(sources):
        typer.echo("callboard: a call needs audio or video: give one of them a source", err=True)
        return 2
    options = {"to": to, "seconds": seconds, "audio": audio, "video": video, "record": record}
    others = tuple(one for one in settings.accounts if bare(one.jid) == bare(to))
    caller = caller.model_copy(update={"bot": "caller", "options": options})
    drain = min(settings.drain, GOODBYE)  # who ends the command ends the call
    settings = settings.model_copy(update={"accounts": (*others, caller), "drain": drain})
    view = make_view(as_json=json)
    log_to(view, settings.log_level)
    watch = _Watch(view, bare(account), bare(to), within)
    try:
        run_loop(watch.run(settings, {**classes, "caller": CallerBot}, folder))
    except asyncio.CancelledError:
        typer.echo("callboard: interrupted", err=True)
        return 1
    except (ServerError, ExchangeError, OSError) as error:
        typer.echo(f"callboard: {reason(error)}", err=True)
        return 1
    finally:
        view.close()
    return watch.tell(json=json)


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
        self._done = asyncio.Event()
        self._status: CallStatus | None = None
        self._records: list[CallRecord] = []

    def see(self, event: Event) -> None:
        """Take an event."""
        self._view.show(event)
        if isinstance(event, CallStatus) and event.account == self._caller:
            self._status = event
        if isinstance(event, CallRecord):
            self._records.append(event)
        match event:
            case CallRecord(account=jid) | BotFailed(account=jid) if bare(jid) == self._caller:
                self._done.set()
            case AccountChanged(jid=self._caller, state="online"):
                self._was_online = True
            case AccountChanged(jid=self._caller, state="failed" | "waiting" as state):
                if state == "failed" or self._was_online:
                    self._done.set()
            case AccountChanged(jid=jid, state="failed", detail=detail) if jid == self._callee:
                self._failure = f"{jid} can't be called, because it stays offline: {detail}"
                self._done.set()

    async def run(self, settings: Settings, classes: dict[str, type[Bot]], folder: Path) -> None:
        """Run until the call is over or somebody ends it."""
        async with (
            drawn(self._view),
            deployed(settings, classes, folder, self.see) as deployment,
        ):
            if not await anybody_online(deployment, self._within):
                return
            done = asyncio.ensure_future(self._done.wait())
            over = asyncio.ensure_future(deployment.over())
            await asyncio.wait({done, over}, return_when=asyncio.FIRST_COMPLETED)
            done.cancel()
            over.cancel()
            if over.done() and not over.cancelled():
                over.result()

    def tell(self, *, json: bool) -> int:
        """Say how it went; return the exit status."""
        if self._failure:
            typer.echo(f"callboard: {self._failure}", err=True)
        ours = next((one for one in self._records if one.account == self._caller), None)
        if not json and self._status is not None:
            console = Terminal()
            console.print(step_table(self._status))
            if ours is not None and ours.connected is not None:
                console.print(quality_table(self._records))
        return 0 if ours is not None and ours.connected is not None else 1
