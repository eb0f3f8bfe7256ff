"""``callboard demo``."""

import asyncio
import sys
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.text import Text

from ..actors.messages.exchange import AccountChanged, BotFailed, CallStatus
from ..actors.records.call_record import CallRecord
from ..bots.find import BUILT_IN
from ..config import Settings
from ..media import Inspection, UnplayableError, inspect
from ..server import ServerError
from .demo_settings import already_runs, demo_settings
from .deployed import deployed
from .exchange_error import ExchangeError, reason
from .main_loop import run_loop
from .process_end import INTERRUPTED
from .views.event import Event
from .views.json_view import JsonView
from .views.line_view import LineView
from .views.printable import printable
from .views.sentences import near
from .views.steps import quality_table, step_table
from .views.terminal import Terminal
from .views.view import log_to

CALLER, CALLEE = "alice@localhost", "desk@localhost"
#: Seconds by which the recording may be shorter than what came, or longer than the call.
TOLERANCE = 0.5
#: Seconds of sound in a packet.
PACKET = 0.02
#: Seconds that everything but the call itself may take.
PATIENCE = 45.0


def demo(*, seconds: float, out: Path, video: bool, json: bool) -> int:
    """Let alice call desk on a private server, and say how it went.

    Args:
        seconds: how long the call is held.
        out: the folder for ``calls.jsonl`` and the recording.
        video: whether the call has video.
        json: print JSON lines.

    Returns:
        0 if everything was as it should be, 1 if not, 2 if the folder can't be one, 130 if somebody
        interrupted it.
    """
    try:
        settings = _settings(seconds, out.absolute(), video)
    except ValidationError as error:
        typer.echo(f"callboard: --out {out}: {error.errors()[0]['ctx']['error']}", err=True)
        return 2
    if fault := already_runs(settings):
        typer.echo(f"callboard: {fault}", err=True)
        return 1
    stage = _Stage(JsonView(sys.stdout) if json else None)
    try:
        run_loop(stage.play(settings, seconds))
    except asyncio.CancelledError:
        return INTERRUPTED
    except (ServerError, ExchangeError, OSError) as error:
        typer.echo(f"callboard: {reason(error)}", err=True)
        return 1
    if stage.is_interrupted:
        return INTERRUPTED
    return stage.judge(video=video, json=json)


def _settings(seconds: float, out: Path, video: bool) -> Settings:
    shown = "pattern" if video else "none"
    options = {"to": CALLEE, "seconds": seconds, "audio": "tone:440", "video": shown}
    bots = ((CALLEE, "recorder", {"audio": "tone:880"}), (CALLER, "caller", options))
    return demo_settings(out, bots)


class _Stage:
    """Watches one call of two accounts.

    Args:
        view: shows events as JSON lines, or None.
    """

    def __init__(self, view: JsonView | None) -> None:
        self._view = view
        self._console = Terminal()
        self._done = asyncio.Event()
        self.status: dict[str, CallStatus] = {}
        self.records: dict[str, CallRecord] = {}
        self.faults: list[str] = []
        self.inspection: Inspection | None = None
        self.is_interrupted = False

    def see(self, event: Event) -> None:
        """Take an event."""
        match event:
            case CallStatus():
                self.status[event.account] = event
            case CallRecord():
                self.records[event.account] = event
            case AccountChanged(state="failed" | "waiting"):
                self.faults.append(f"{event.jid} could not log in: {event.detail}")
            case BotFailed():
                self.faults.append(f"{event.account}: bot {event.bot} failed: {event.error}")
        if self.faults or len(self.records) == 2:
            self._done.set()
        if self._view is not None:
            self._view.show(event)

    def say(self, text: str) -> None:
        """Tell a person what goes on."""
        if self._view is None:
            self._console.print(text)

    async def play(self, settings: Settings, seconds: float) -> None:
        """Run the call to its end."""
        self.say("Starting a private Prosody …")
        folder = settings.recordings
        log_to(self._view or LineView(sys.stdout), settings.log_level)
        async with deployed(settings, BUILT_IN, folder, self.see) as deployment:
            self.say(f"{CALLER} calls {CALLEE} for {seconds:g} s …")
            done = asyncio.ensure_future(self._done.wait())
            over = asyncio.ensure_future(deployment.over())
            finished, _ = await asyncio.wait(
                {done, over}, timeout=seconds + PATIENCE, return_when=asyncio.FIRST_COMPLETED
            )
            for task in (done, over):
                task.cancel()
            if over in finished:
                error = over.exception()
                self.is_interrupted = error is None
                self.faults += [] if error is None else [str(error)]
            elif not finished:
                self.faults.append(f"the call had not ended after {seconds + PATIENCE:g} s")
        recording = self.recording()
        if recording is not None:
            try:
                self.inspection = await asyncio.to_thread(inspect, recording)
            except (UnplayableError, OSError) as error:
                self.faults.append(f"the recording does not play: {error}")

    def recording(self) -> Path | None:
        """Return the callee's recording."""
        record = self.records.get(CALLEE)
        paths = [one.path for one in record.recordings if one.path] if record else []
        return Path(paths[0]) if paths else None

    def judge(self, *, video: bool, json: bool) -> int:
        """Say how it went; return the exit status."""
        if not self.faults:
            self._check(video)
        if json:
            assert self._view is not None  # noqa: S101 - made for --json
            self._view.print("Verdict", {"ok": not self.faults, "faults": self.faults})
            return bool(self.faults)
        if CALLER in self.status:
            self._console.print()
            self._console.print(step_table(self.status[CALLER]))
        if self.records:
            self._console.print()
            self._console.print(quality_table([self.records[key] for key in sorted(self.records)]))
        path = self.recording()
        if path is not None and self.inspection is not None:
            tracks = ", ".join(
                f"{track.title or track.kind} {track.codec} {track.seconds:.2f} s"
                for track in self.inspection.tracks
            )
            self._console.print()
            self._console.print(f"Recording: {near(path)}", soft_wrap=True)
            self._console.print(f"  {tracks}", soft_wrap=True)
        for fault in self.faults:
            line = Text.assemble(("✗ ", "red"), printable(fault))
            self._console.print(line, soft_wrap=True)
        if not self.faults:
            good = "connected, media flowed both ways, the recording plays"
            self._console.print(Text.assemble(("✓ ", "green"), good))
        return bool(self.faults)

    def _check(self, video: bool) -> None:
        kinds = ["audio", "video"] if video else ["audio"]
        for account in (CALLER, CALLEE):
            record = self.records.get(account)
            if record is None:
                self.faults.append(f"{account} has no record of the call")
                continue
            if record.state != "completed":
                self.faults.append(f"{account}: the call {record.state} ({record.why})")
            media = {one["kind"]: one for one in record.media}
            self.faults += [
                f"{account} received no {kind}"
                for kind in kinds
                if kind not in media or not media[kind]["received"]
            ]
        self._check_recording()

    def _check_recording(self) -> None:
        record = self.records.get(CALLEE)
        if record is None or record.connected is None:
            return
        if self.inspection is None:
            why = [one.failure for one in record.recordings if one.failure] or [record.why]
            self.faults.append(f"{CALLEE} has no recording: {why[0]}")
            return
        fault = length_fault(record, self.inspection.seconds)
        self.faults += [fault] if fault else []


def length_fault(record: CallRecord, seconds: float) -> str | None:
    """Compare the length of a recording with what its call received.

    The clock alone says too little: a busy machine sends less than a second of sound in a second,
    and nobody sends the rest later.

    Args:
        record: a call that connected.
        seconds: the length of its recording.

    Returns:
        A sentence about what is wrong, or None.
    """
    received = sum(one["received"] for one in record.media if one["kind"] == "audio")
    began = record.connected if record.answered is None else record.answered
    least, most = received * PACKET, record.ended - (began or record.started)
    if least - TOLERANCE <= seconds <= most + TOLERANCE:
        return None
    return (
        f"the recording is {seconds:.2f} s long, but the call received {least:.2f} s of sound "
        f"in {most:.2f} s"
    )
