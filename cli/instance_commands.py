"""The subcommands that talk to a running instance."""

from pathlib import Path
from typing import Annotated

import typer

from .argument_types import needed, one_of, whole
from .argument_types import text as not_empty
from .views.standard_streams import install_outlets

Socket = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help="The control socket of the instance, where no file tells it."
    ),
]
RunningFile = Annotated[
    Path | None,
    typer.Argument(
        metavar="FILE", help="The file that runs; if left out, one of the current folder."
    ),
]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file", metavar="FILE", help="The file that runs; if left out, one of the current folder."
    ),
]
AnswerJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
LinesJson = Annotated[bool, typer.Option("--json", help="Print lines of JSON.")]
Follow = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
]
CallName = Annotated[
    str,
    typer.Argument(
        metavar="CALL", parser=needed, help="The call's id, or how it begins: see status."
    ),
]
End = Annotated[
    str | None,
    typer.Option(
        "--account",
        metavar="ACCOUNT",
        parser=not_empty,
        help="Whose end of the call, if both are accounts of the instance.",
    ),
]
Lines = Annotated[
    int,
    typer.Option("--lines", "-n", metavar="N", parser=whole(0, 1000), help="How many, at first."),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for the end of it.")]


def status(file: RunningFile = None, socket: Socket = None, json: AnswerJson = False) -> None:
    """Tell how a running instance stands.

    Its accounts, those in trouble first, its calls, recordings and parts.

    Exits with 0 if it answers, 1 if none runs or it does not answer, and 2 if an argument is wrong.
    """
    from .status import status as command

    raise typer.Exit(command(file, socket, json=json))


def hangup(
    call: Annotated[
        str | None,
        typer.Argument(
            metavar="CALL", parser=needed, help="The call's id, or how it begins: see status."
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="All calls; with --account, all of that account.")
    ] = False,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ACCOUNT", parser=not_empty, help="Whose calls."),
    ] = None,
    file: FileOption = None,
    socket: Socket = None,
    json: AnswerJson = False,
) -> None:
    """End a call of a running instance, or all of them.

    Exits with 0 if it was told to end, 1 if there is no such call or nothing runs, and 2 if an
    argument is wrong.
    """
    from .hangup import hangup as command

    raise typer.Exit(command(call, file, socket, every=every, account=account, json=json))


def say(
    call: CallName,
    text: Annotated[str, typer.Argument(metavar="TEXT", parser=needed, help="What to say.")],
    voice: Annotated[
        str | None,
        typer.Option(metavar="VOICE", parser=not_empty, help="A voice of the synthesizer, as de."),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option(metavar="RATE", parser=whole(), help="Words a minute, from 80 to 450."),
    ] = None,
    account: End = None,
    no_wait: NoWait = False,
    file: FileOption = None,
    socket: Socket = None,
) -> None:
    """Say something in a call of a running instance.

    Waits until it has been said. Interrupted before that, it is not said to its end.

    Exits with 0 if it was said, 1 if there is no such call or nothing runs, and 2 if an argument is
    wrong.
    """
    from .playing import say as command

    raise typer.Exit(
        command(call, text, file, socket, voice=voice, rate=rate, account=account, wait=not no_wait)
    )


def play(
    call: CallName,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            parser=needed,
            help="What to play: silence, tone:FREQUENCY, pattern, echo, or a file's path.",
        ),
    ],
    video: Annotated[bool, typer.Option("--video", help="Show it, and leave the sound.")] = False,
    loop: Annotated[bool, typer.Option("--loop", help="Again and again.")] = False,
    account: End = None,
    no_wait: NoWait = False,
    file: FileOption = None,
    socket: Socket = None,
) -> None:
    """Play something in a call of a running instance.

    Waits until it was played. What has no end, such as a tone or a loop, is played until something
    else is. A file's path begins where you are or, if there is no such file, beside FILE.
    Interrupted before its end, a file is played no more.

    Exits with 0 if it was played, 1 if there is no such call or nothing runs, and 2 if an argument
    is wrong.
    """
    from .playing import play as command

    raise typer.Exit(
        command(
            call, source, file, socket, video=video, loop=loop, account=account, wait=not no_wait
        )
    )


def presence(
    account: Annotated[
        str,
        typer.Argument(metavar="ACCOUNT", parser=needed, help="An account of the instance."),
    ],
    show: Annotated[
        str | None,
        typer.Option(
            metavar="SHOW",
            parser=one_of("available", "chat", "away", "dnd", "xa"),
            help="available, chat, away, dnd or xa.",
        ),
    ] = None,
    status: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A text; an empty one takes it away.")
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", parser=whole(-128, 127), help="From -128 to 127."),
    ] = None,
    file: FileOption = None,
    socket: Socket = None,
) -> None:
    """Change what contacts see of an account of a running instance.

    What is not given stays as it is.

    Exits with 0 if it was changed, 1 if there is no such account or nothing runs, and 2 if an
    argument is wrong.
    """
    from .presence import presence as command

    raise typer.Exit(command(account, file, socket, show=show, status=status, priority=priority))


def logs(
    file: RunningFile = None,
    follow: Follow = False,
    lines: Lines = 100,
    socket: Socket = None,
    json: LinesJson = False,
) -> None:
    """Print the last lines of a running instance's log.

    Exits with 0 when all is printed or the instance has ended, 1 if none runs or nobody
    reads what is printed, and 130 on Ctrl-C.
    """
    from .events import logs as command

    install_outlets(needs_reader=True)
    raise typer.Exit(command(file, socket, follow=follow, last=lines, json=json))


def events(
    file: RunningFile = None,
    follow: Follow = False,
    lines: Lines = 1000,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND", parser=not_empty, help="Only these, as CallRecord; may be given again."
        ),
    ] = None,
    socket: Socket = None,
    json: LinesJson = False,
) -> None:
    """Print the last events of a running instance.

    They are the lines that run prints; with --json, all that it prints with --json.

    Exits with 0 when all is printed or the instance has ended, 1 if none runs or nobody
    reads what is printed, and 130 on Ctrl-C.
    """
    from .events import events as command

    install_outlets(needs_reader=True)
    raise typer.Exit(
        command(file, socket, follow=follow, last=lines, only=tuple(only or ()), json=json)
    )


def reload(file: RunningFile = None, socket: Socket = None, json: AnswerJson = False) -> None:
    """Let a running instance read its file and bots again, and take what has changed.

    New accounts log in; removed ones leave when their calls have ended. Changed ones stay logged
    in, unless their resource changes. Calls that run keep the bot that they began with, for as long
    as the file's drain says.

    If anything is wrong with the file or a bot, or a key has changed that can't change while it
    runs, nothing changes. Each problem is a line on standard error, as callboard check has it.

    Exits with 0 if all was taken, 1 if none runs, it is ending, or some accounts stay as they were,
    and 2 if the file is wrong.
    """
    from .reload import reload as command

    raise typer.Exit(command(file, socket, json=json))


def stop(
    file: RunningFile = None,
    now: Annotated[bool, typer.Option("--now", help="Give running calls no time.")] = False,
    no_wait: NoWait = False,
    socket: Socket = None,
) -> None:
    """End a running instance in order.

    Waits until it has ended. No new calls begin, running ones have the time that FILE gives them
    (drain:), and everybody logs out.

    Exits with 0 when it has ended, and 1 if none runs.
    """
    from .stop import stop as command

    raise typer.Exit(command(file, socket, now=now, wait=not no_wait))


#: In the order of ``callboard --help``.
COMMANDS = (status, hangup, say, play, presence, events, logs, reload, stop)
