"""The command ``callboard`` and its subcommands (typer)."""

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from .views.outlet import install_outlets

#: What click keeps as it is written, after a line with ``\b``.
_START = """\b
Begin with
  callboard demo                 see a call on a private server
  callboard check FILE           see what is wrong with a YAML file
  callboard run FILE             run its accounts
  callboard load PLAN            test a server with many of them
  callboard COMMAND --help       see what a command takes"""

app = typer.Typer(
    name="callboard",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file with the accounts.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines: events, and the log.")]

Within = Annotated[
    float | None,
    typer.Option(
        "--online-within",
        metavar="SECONDS",
        min=0.0,
        help="When to give up if no account is online.",
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
        typer.Option(metavar="SECONDS", min=1.0, max=3600.0, help="How long the call is held."),
    ] = 5.0,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where calls.jsonl and the recording go.")
    ] = Path("callboard-demo"),
    audio_only: Annotated[bool, typer.Option("--audio-only", help="Call without video.")] = False,
    json: Json = False,
) -> None:
    """Let alice call desk on a private server, and say how it went.

    Exits with 0 only if both sides connected, media flowed both ways, and the recording plays and
    is as long as the call.
    """
    from .demo import demo as command

    install_outlets()
    raise typer.Exit(command(seconds=seconds, out=out, video=not audio_only, json=json))


@app.command()
def run(file: File, online_within: Within = None, json: Json = False) -> None:
    """Run the accounts of FILE until Ctrl-C or SIGTERM.

    Once: no new calls begin, those that run get a deadline (drain: in FILE), everybody logs out.
    Twice: running calls are ended at once.

    On a terminal, accounts and calls are drawn as tables; elsewhere each change is a line.

    A server that is not there yet is tried again and again, unless --online-within says how long.

    Exits with 0 if it was stopped in order, 1 if no account could log in, every account has given
    up, or the server did not start or has ended, and 2 if FILE is wrong.
    """
    from .run import run as command

    install_outlets()
    raise typer.Exit(command(file, within=online_within, json=json))


@app.command()
def check(file: File) -> None:
    """Say everything that is wrong with FILE and its bots.

    Every problem has a line of its own on standard error, as file:line:column: what was found and
    what would be right. The bots' modules are imported, and so run. A load plan can be checked
    too.

    Exits with 0 if there is no problem, else with 2.
    """
    from .check import check as command

    raise typer.Exit(command(file))


@app.command()
def call(
    file: File,
    account: Annotated[str, typer.Argument(metavar="FROM", help="An account of FILE that calls.")],
    to: Annotated[str, typer.Argument(metavar="TO", help="The JID to call.")],
    seconds: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=1.0, max=86400.0, help="How long the call is held."),
    ] = 10.0,
    audio: Annotated[
        str,
        typer.Option(
            metavar="SOURCE", help="What is sent: silence, tone, tone:FREQUENCY, a file, or none."
        ),
    ] = "tone",
    video: Annotated[
        str, typer.Option(metavar="SOURCE", help="What is shown: pattern, a file, or none.")
    ] = "none",
    record: Annotated[bool, typer.Option("--record", help="Record both directions.")] = False,
    online_within: Within = 30.0,
    json: Json = False,
) -> None:
    """Let one account of FILE call somebody, and say how it went.

    FROM calls TO, holds the call, and hangs up. If TO is an account of FILE too, its bot runs as
    well, so that both ends can be tried at once; with the embedded server it has to be one. Files
    to play are looked for beside FILE.

    Exits with 0 if the call connected, else with 1; with 2 if FILE is wrong.
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
            within=online_within,
            json=json,
        )
    )


@app.command()
def load(
    plan: Annotated[
        Path, typer.Argument(metavar="PLAN", help="The YAML file with the accounts and phases.")
    ],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the report goes.")] = None,
    shards: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=1024, help="How many processes; one for each core."),
    ] = None,
    metrics: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", min=1, max=65535, help="Where Prometheus finds metrics while it runs."
        ),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="A Ray cluster whose machines run the shards."),
    ] = None,
) -> None:
    """Test a server with the accounts and calls that PLAN declares, and give a verdict.

    The report in DIR begins with report.html, one page for people; summary.json, samples.csv and
    junit.xml are for programs.

    Ctrl-C once ends in order, with a report; twice at once.

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
    raise typer.Exit(command(plan, out=out, shards=shards, metrics=metrics, ray=ray))


@app.command()
def schema(
    plan: Annotated[bool, typer.Option("--plan", help="The schema of load plans instead.")] = False,
) -> None:
    """Print the JSON Schema of the YAML file, for editors.

    With the YAML language server, write it to a file and begin the YAML file with the line
    "# yaml-language-server: $schema=callboard.schema.json".
    """
    from .schema import schema as command

    command(plan=plan)
