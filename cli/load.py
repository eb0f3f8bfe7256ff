"""``callboard load``."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path

import typer

from ..actors.observer import Observer
from ..config import ConfigError
from ..config.metrics import ListenAddress
from ..config.web import WebSettings
from ..control.address import NoPlaceError, derived_name, own_folder
from ..control.claim import AlreadyRunningError, claim
from ..control.control_socket import ControlSocket
from ..control.instance.log_tail import log_told_to
from ..control.load_run.commands import COMMANDS
from ..control.load_run.load_run import LoadRun
from ..load import load_plan
from ..load.measure.measurements import Point
from ..load.measure.usage import raise_open_files
from ..load.plan.capacity import CapacityError, check_open_files, open_files
from ..load.plan.plan import Plan
from ..load.report.report import write_report
from ..load.run.process import Hear, ShardProcess
from ..load.run.progress import Carrier
from ..load.run.prometheus import serve_metrics
from ..load.run.run import Run
from ..load.run.verdict import Status, Verdict
from ..server import ServerError
from .boarded import boarded
from .exchange_error import reason
from .main_loop import run_loop
from .preflight import missing_extra
from .signal_handlers import handling
from .views.load_view import LoadView, make_load_view, print_verdict

log = logging.getLogger(__name__)


def load(
    file: Path,
    *,
    out: Path | None,
    shards: int | None,
    metrics: ListenAddress | None,
    ray: str | None,
    web: bool = False,
) -> int:
    """Run a load plan and write the report.

    Args:
        file: the YAML file.
        out: where the report goes, or None for none.
        shards: how many processes; None for what the plan says, or one for each core.
        metrics: where Prometheus finds metrics while it runs; None for what the plan says.
        ray: the address of a Ray cluster whose machines run the shards, or None for this machine.
        web: serve the board, also if the plan does not say so.

    Returns:
        0 thresholds hold, 1 they don't, 2 nothing was run, 3 aborted.
    """
    try:
        plan = load_plan(file)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        return Status.WRONG_PLAN
    if metrics is None and plan.metrics is not None:
        metrics = plan.metrics.address
    board = _board_of(plan, web)
    view = make_load_view(file.name)
    try:
        if out is not None:
            out.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _carriers(ray) as (carrier, cores):
            count = shards or plan.shards or cores
            seen: list[Callable[[Point], object]] = [Observer(view.see)]
            folder = file.absolute().parent
            run = Run(plan, folder, shards=count, carrier=carrier, see=partial(_tell, seen))
            check_open_files(open_files(plan, len(run.shards)), raise_open_files())
            work = partial(_run, run, view, metrics, folder / file.name, seen, board)
            verdict, written, fault = run_loop(_reported(run, view, out, file.name, work))
    except ModuleNotFoundError as error:
        typer.echo(
            f"callboard: --ray needs the package {error.name}, which is not installed: "
            "run pip install 'callboard[ray]'",
            err=True,
        )
        return Status.WRONG_PLAN
    except CapacityError as error:
        typer.echo(f"{file}: {error}", err=True)
        return Status.WRONG_PLAN
    except (ServerError, OSError) as error:
        typer.echo(f"callboard: {error}", err=True)
        return Status.ABORTED
    finally:
        view.close()
    status = verdict.status
    if fault is not None:
        typer.echo(f"callboard: the report is incomplete: {reason(fault)}", err=True)
        status = status or Status.ABORTED
    print_verdict(run, verdict, written)
    return status


def _board_of(plan: Plan, web: bool) -> WebSettings | None:
    """Return where the board is to be served, if it is.

    Raises:
        typer.Exit: it can't be, as a package is missing.
    """
    board = plan.web or (WebSettings() if web else None)
    if board is not None and (fault := missing_extra("web")):
        typer.echo(f"callboard: --web: {fault}", err=True)
        raise typer.Exit(Status.WRONG_PLAN)
    return board


@contextmanager
def _carriers(ray: str | None) -> Iterator[tuple[Callable[[Hear], Carrier], int | None]]:
    """Give what starts shards, and how many there may be."""
    if ray is None:
        yield ShardProcess, None
        return
    from ..load.run.ray import cluster  # noqa: PLC0415 - the extra "ray"

    with cluster(ray) as found:
        yield found


def _tell(seen: list[Callable[[Point], object]], point: Point) -> None:
    for tell in seen:
        tell(point)


async def _reported(
    run: Run, view: LoadView, out: Path | None, name: str, work: Callable[[], Awaitable[Verdict]]
) -> tuple[Verdict, list[Path], OSError | None]:
    """Do the work, and write its report; signals end the run, and don't cost its report.

    Returns:
        The verdict, the files, and why they are not all there.
    """
    is_over = False

    def stop() -> None:
        if not is_over:
            _stop(run, view)

    with handling({signal.SIGINT: stop, signal.SIGTERM: stop}):
        verdict = await work()
        is_over = True
        if out is None:
            return verdict, [], None
        try:
            return verdict, await asyncio.to_thread(write_report, out, name, run, verdict), None
        except OSError as error:
            return verdict, [], error


def _stop(run: Run, view: LoadView) -> None:
    """End a run in order, and say so; the second time, at once."""
    run.stop()
    view.ending()


async def _run(
    run: Run,
    view: LoadView,
    metrics: ListenAddress | None,
    file: Path,
    seen: list[Callable[[Point], object]],
    web: WebSettings | None,
) -> Verdict:
    drawing = asyncio.create_task(view.draw(run))
    server = None
    try:
        server = None if metrics is None else serve_metrics(metrics, run)
        served = LoadRun(run, file, partial(_stop, run, view))
        seen.append(Observer(served.see))
        with log_told_to(served.logs):
            async with _controlled(served, file), _boarded(web, served, view):
                verdict = await run.run()
                served.judged(verdict)
        return verdict
    finally:
        drawing.cancel()
        await asyncio.gather(drawing, return_exceptions=True)
        if server is not None:
            await asyncio.to_thread(server.close)


@asynccontextmanager
async def _controlled(run: LoadRun, file: Path) -> AsyncIterator[None]:
    """Serve the control socket meanwhile; a run without one goes on all the same."""
    try:
        claimed = await asyncio.to_thread(lambda: claim(own_folder() / derived_name(file)))
    except AlreadyRunningError as error:
        log.warning("%s: %s runs it too: callboard status tells of that run", file, error)
        yield
        return
    except NoPlaceError as error:
        log.warning("callboard status and stop can't reach this run: %s", error)
        yield
        return
    control = ControlSocket(claimed, run, COMMANDS)
    try:
        await control.start()
        yield
    finally:
        await control.close()


@asynccontextmanager
async def _boarded(web: WebSettings | None, run: LoadRun, view: LoadView) -> AsyncIterator[None]:
    """Serve the board meanwhile, if it is wanted."""
    if web is None:
        yield
        return
    async with boarded(web, run, COMMANDS) as board:
        view.say(f"callboard: {board.sentence(secret=True)}")
        yield
