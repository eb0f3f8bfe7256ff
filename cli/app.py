"""The command ``callboard`` and its subcommands (typer)."""

from collections.abc import Sequence
from copy import copy
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .argument_types import needed, number, one_of, whole
from .argument_types import text as not_empty
from .instance_commands import COMMANDS as INSTANCE_COMMANDS
from .instance_commands import AnswerJson, Socket
from .plain_run import run_from_start
from .views.standard_streams import install_outlets

if TYPE_CHECKING:
    from typer.models import CommandInfo

    from ..config.metrics import ListenAddress

#: What click keeps as it is written, after a line with ``\b``.
_START = """\b
Begin with
  callboard demo                 see a call on a private server
  callboard check FILE           find what is wrong with a YAML file
  callboard run FILE             run its accounts
  callboard status               see how they are, from another terminal
  callboard load PLAN            test a server with many of them
  callboard COMMAND --help       see what a command takes"""

app = typer.Typer(
    name="callboard",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file with the accounts.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print events and log messages as lines of JSON.")
]

Dev = Annotated[
    bool,
    typer.Option("--dev", help="Reload whenever FILE or a module beside it changes."),
]
Web = Annotated[
    bool,
    typer.Option("--web", help="Serve the board, a page to see and steer what runs, as web: does."),
]
Within = Annotated[
    float | None,
    typer.Option(
        "--online-within",
        metavar="SECONDS",
        parser=number(0),
        help="How long to wait for a first account to come online before giving up.",
    ),
]


def _address(text: str) -> "ListenAddress":
    from ..config.metrics import parse_address

    try:
        return parse_address(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Metrics = Annotated[
    Any,
    typer.Option(
        "--metrics",
        metavar="ADDRESS",
        parser=_address,
        help="Where Prometheus finds metrics, like 127.0.0.1:9100 or 9100.",
    ),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"callboard {installed_version('callboard')}")
        raise typer.Exit


@app.callback(epilog=_START)
def callboard(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Run XMPP bots, declared in a YAML file, that take and place calls with audio and video."""


@app.command()
def demo(
    seconds: Annotated[
        float,
        typer.Option(metavar="SECONDS", parser=number(1, 3600), help="How long to hold the call."),
    ] = 5.0,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where to put calls.jsonl and the recording.")
    ] = Path("callboard-demo"),
    audio_only: Annotated[bool, typer.Option("--audio-only", help="Call without video.")] = False,
    web: Annotated[
        bool, typer.Option("--web", help="Call bots yourself, from a page in your browser.")
    ] = False,
    json: Json = False,
) -> None:
    """Let alice call desk on a private server, and report how it went.

    With --web, it prints the link of a page on which you call the demo's bots, until Ctrl-C.

    Exits with 0 only if both sides connected, media flowed both ways, and the recording plays and
    is as long as the call; with 1 if not, 2 if an argument is wrong, and 130 if it is interrupted.
    """
    if web:
        from .demo_board import demo_board

        install_outlets()
        raise typer.Exit(demo_board(out=out, json=json))
    from .demo import demo as command

    install_outlets()
    raise typer.Exit(command(seconds=seconds, out=out, video=not audio_only, json=json))


@app.command()
def run(
    file: File,
    online_within: Within = None,
    metrics: Metrics = None,
    web: Web = False,
    dev: Dev = False,
    json: Json = False,
) -> None:
    """Run the accounts of FILE until Ctrl-C or SIGTERM.

    The first signal stops new calls, gives running calls some time to end (drain: in FILE), and
    logs everybody out. A second one ends running calls at once.

    On a terminal, accounts and calls are shown as tables; elsewhere, each change is a line.

    SIGHUP reads FILE and its bots again, and takes what has changed, as callboard reload does. From
    a terminal that was closed, it ends as SIGTERM does.

    If the server can't be reached, it is tried again and again; --online-within sets a limit.

    --metrics serves /metrics, /healthz and /readyz over HTTP, as metrics: in FILE does.

    --web serves the board and prints its link, which has a token in it. web: in FILE says where.

    Exits with 0 if it was stopped in order, 1 if no account could log in, every account has given
    up, or the server did not start or has ended, 2 if FILE is wrong, and 130 if Ctrl-C comes while
    FILE is being read.
    """
    raise typer.Exit(
        run_from_start(file, within=online_within, metrics=metrics, web=web, dev=dev, json=json)
    )


@app.command()
def check(file: File) -> None:
    """Report everything that is wrong with FILE and its bots.

    Each problem is a line on standard error: file:line:column, what was found, and what would be
    right. The bots' modules are imported, so their code runs. FILE may be a load plan too.

    Exits with 0 if there are no problems, and 2 if there are.
    """
    from .check import check as command

    raise typer.Exit(command(file))


@app.command()
def call(
    file: File,
    account: Annotated[
        str,
        typer.Argument(metavar="FROM", parser=needed, help="The account of FILE that calls."),
    ],
    to: Annotated[str, typer.Argument(metavar="TO", parser=needed, help="Whom to call: a JID.")],
    seconds: Annotated[
        float,
        typer.Option(metavar="SECONDS", parser=number(1, 86400), help="How long to hold the call."),
    ] = 10.0,
    audio: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            parser=not_empty,
            help="What to send: silence, tone, tone:FREQUENCY, tone:FREQUENCY:DURATION, say:TEXT, "
            "echo, a file's path, loop:PATH, or none.",
        ),
    ] = "tone",
    video: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            parser=not_empty,
            help="What to show: silence (black), pattern, echo, a file's path, or none.",
        ),
    ] = "none",
    record: Annotated[bool, typer.Option("--record", help="Record both directions.")] = False,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="Print the call's id, and let the instance hold it alone."),
    ] = False,
    online_within: Within = 30.0,
    json: Json = False,
) -> None:
    """Let one account of FILE call somebody, and report how it went.

    FROM calls TO, holds the call, and hangs up. If FILE runs already, its instance places the call;
    it is hung up when this command ends, unless it is detached. If not, the account runs for the
    call. If TO is an account of FILE too, its bot runs as well, so that you can try both ends at
    once; with the embedded server, TO must be one. The paths of files to play begin beside FILE.

    Exits with 0 if the call connected, 1 if it did not, and 2 if FILE or an argument is wrong,
    before anything connects. Interrupted before the call connected, it exits with 130.
    """
    from .call import call as command

    install_outlets()
    raise typer.Exit(
        command(
            file,
            account,
            to,
            seconds=seconds,
            audio=audio,
            video=video,
            record=record,
            detach=detach,
            within=online_within,
            json=json,
        )
    )


for _command in INSTANCE_COMMANDS:
    app.command()(_command)


@app.command()
def ladder(
    call: Annotated[
        str,
        typer.Argument(
            metavar="CALL",
            parser=needed,
            help="The call: the id or uuid of its record, or how one begins; last; last-failed.",
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="The YAML file, a calls.jsonl, or the folder of a load report; if left out, "
            "what the current folder has.",
        ),
    ] = None,
    form: Annotated[
        Any,
        typer.Option(
            "--format",
            metavar="FORMAT",
            parser=one_of("text", "svg", "json", "mermaid"),
            help="How it is shown: as text, svg, json or mermaid.",
        ),
    ] = "text",
    socket: Socket = None,
) -> None:
    """Show what happened in a call: its stanzas, and ICE, DTLS and media between them.

    The last line says why the call ended as it did. Secrets, texts and keys are masked. It needs no
    running instance, but for calls that go on.

    Exits with 0 if the ladder is shown, 1 if there is none, and 2 if an argument is wrong.
    """
    from .ladder import ladder as command

    raise typer.Exit(command(call, file, socket, form=form))


@app.command()
def calls(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE] [CALL]",
            help="The YAML file or calls.jsonl, and the id of one call to show.",
        ),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(metavar="JID", parser=not_empty, help="Calls of this account, or *@domain."),
    ] = None,
    peer: Annotated[
        str | None,
        typer.Option(metavar="JID", parser=not_empty, help="Calls with this peer, or *@domain."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Calls that began at or after TIME: 1d (a day ago), yesterday, 2026-11-28, 14:30.",
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Calls that began before TIME; a day counts whole."),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(
            metavar="STATE", help="completed, missed, declined, busy, cancelled or failed."
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Why it ended, such as timeout or connectivity-error."),
    ] = None,
    direction: Annotated[str | None, typer.Option(metavar="in|out", help="Who called.")] = None,
    text: Annotated[
        str | None,
        typer.Option(
            parser=not_empty,
            metavar="TEXT",
            help="What occurs in a JID, an id, the reason or its sentence.",
        ),
    ] = None,
    limit: Annotated[
        int,
        typer.Option(metavar="N", parser=whole(1, 1000), help="How many to list at the most."),
    ] = 50,
    after: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE", parser=not_empty, help="Go on where the page before has ended."
        ),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="List the calls that go on in a running instance.")
    ] = False,
    socket: Socket = None,
    json: AnswerJson = False,
) -> None:
    """List past calls, the latest first, or those that go on; or show one with all that is known.

    FILE is the YAML file whose calls are looked for, or a calls.jsonl; without it, a file of the
    current folder. It needs no running instance, and works beside one. CALL is the id in the first
    column, a session id, last, or last-failed.

    Exits with 0, 1 if there is no such call or, with --live, nothing runs, and 2 if an argument is
    wrong.
    """
    from .calls import Arguments
    from .calls import calls as command

    filters = {
        "account": account,
        "peer": peer,
        "state": state,
        "reason": reason,
        "direction": direction,
        "text": text,
        "limit": limit,
        "after": after,
    }
    raise typer.Exit(
        command(Arguments(tuple(words or ()), filters, since, until, live, socket, json))
    )


@app.command()
def load(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", help="The YAML file with the accounts and phases.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to put the report; without it, none is written."),
    ] = None,
    shards: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            parser=whole(1, 1024),
            help="How many processes to use; by default, one for each core.",
        ),
    ] = None,
    metrics: Metrics = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="The address of a Ray cluster whose machines run the shards."
        ),
    ] = None,
    web: Web = False,
) -> None:
    """Test a server with the accounts and calls that PLAN declares, and give a verdict.

    In DIR, report.html is the report for people; summary.json, samples.csv, calls.csv and
    junit.xml are for programs.

    Press Ctrl-C to stop in order, with a report; press it again to stop at once.

    --web serves the board while it runs, and prints its link, which has a token in it: a page with
    progress, rates, percentiles, errors and a button that stops the run.

    Exits with 0 if all thresholds hold, 1 if one does not, 2 if nothing was run because PLAN is
    wrong or a package is missing, and 3 if the run was aborted: the target could not be reached,
    or the generator was saturated.
    """
    try:
        from .load import load as command
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("callboard"):
            raise
        typer.echo(
            f"callboard: load tests need the package {error.name}, which is not installed: "
            "run pip install 'callboard[load]'",
            err=True,
        )
        raise typer.Exit(2) from None

    install_outlets()
    raise typer.Exit(command(plan, out=out, shards=shards, metrics=metrics, ray=ray, web=web))


@app.command()
def schema(
    plan: Annotated[
        bool, typer.Option("--plan", help="Print the schema of load plans instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of the YAML file, for editors.

    With the YAML language server, save it as callboard.schema.json and start the YAML file with
    the line "# yaml-language-server: $schema=callboard.schema.json".
    """
    from .schema import schema as command

    command(plan=plan)


def app_for(words: Sequence[str]) -> typer.Typer:
    """Return what has the one command that is asked for: to make all of them takes 12 ms.

    Args:
        words: what stands behind ``callboard``. If no command's name is first, all are there.
    """
    asked = [one for one in app.registered_commands if [_name(one)] == list(words[:1])]
    with_it = copy(app)
    with_it.registered_commands = asked or app.registered_commands
    return with_it


def _name(command: "CommandInfo") -> str:
    return command.name or str(getattr(command.callback, "__name__", ""))
