"""The command ``callboard`` and its subcommands (typer)."""

from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="callboard",
    help="XMPP bots that call: every account, every conversation and every call is an actor.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file with the accounts.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON lines, one for each event.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"callboard {installed_version('callboard')}")
        raise typer.Exit


@app.callback()
def callboard(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """XMPP bots that call: every account, every conversation and every call is an actor."""


@app.command()
def demo(
    seconds: Annotated[
        float, typer.Option(min=1.0, max=3600.0, help="How long the call is held.")
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

    raise typer.Exit(command(seconds=seconds, out=out, video=not audio_only, json=json))


@app.command()
def run(file: File, json: Json = False) -> None:
    """Run the accounts of FILE until Ctrl-C or SIGTERM.

    Once: no new calls, running calls get a deadline (drain), everybody logs out, exit 0. Twice: at
    once. Exits with 1 if no account could log in, with 2 if FILE is wrong.
    """
    from .run import run as command

    raise typer.Exit(command(file, json=json))


@app.command()
def check(file: File) -> None:
    """Check FILE and the bots that it names, and print every problem as file:line:column.

    Exits with 0 if there is none, else with 2.
    """
    from .check import check as command

    raise typer.Exit(command(file))


@app.command()
def call(
    file: File,
    account: Annotated[str, typer.Argument(metavar="FROM", help="An account of FILE that calls.")],
    to: Annotated[str, typer.Argument(metavar="TO", help="The JID to call.")],
    seconds: Annotated[
        float, typer.Option(min=1.0, max=86400.0, help="How long the call is held.")
    ] = 10.0,
    audio: Annotated[
        str, typer.Option(help="silence, tone, tone:FREQUENCY, a file, or none.")
    ] = "tone",
    video: Annotated[str, typer.Option(help="pattern, a file, or none.")] = "none",
    record: Annotated[bool, typer.Option("--record", help="Record both directions.")] = False,
    json: Json = False,
) -> None:
    """Log in as FROM, call TO, hold the call, hang up, and say how it went.

    Exits with 0 if the call connected, else with 1; with 2 if FILE is wrong.
    """
    from .call import call as command

    raise typer.Exit(
        command(
            file, account, to, seconds=seconds, audio=audio, video=video, record=record, json=json
        )
    )


@app.command()
def schema() -> None:
    """Print the JSON Schema of the YAML file, for editors."""
    from .schema import schema as command

    command()


def main() -> None:
    """Run the ``callboard`` command."""
    app()
