"""What the log says when somebody asks for the end."""

import asyncio
import logging
from typing import Any, Literal, cast

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.cli.deployment import Deployment
from callboard.tests.conftest import Run

Phase = Literal["proposed", "ringing", "connecting", "connected", "ended"]


def status(number: int, phase: Phase) -> CallStatus:
    return CallStatus(str(number), "a@b.c", "d@e.f", "in", phase, ("audio",))


@pytest.mark.parametrize(
    ("begun", "ended", "drain", "now", "words"),
    [
        (0, 0, 10, False, "ending: no calls are running, and all accounts log out"),
        (2, 2, 10, False, "ending: no calls are running, and all accounts log out"),
        (2, 1, 10, False, "ending: 1 running call has 10 s; a second signal ends it now"),
        (3, 1, 10, False, "ending: 2 running calls have 10 s; a second signal ends them now"),
        (0, 0, 10, True, "ending: no calls are running, and all accounts log out"),
        (2, 1, 10, True, "ending: 1 running call is ended"),
        (3, 1, 10, True, "ending: 2 running calls are ended"),
        (3, 1, 0, False, "ending: 2 running calls are ended"),
    ],
)
def test_the_end_speaks_of_the_calls_that_there_are(
    run: Run,
    caplog: pytest.LogCaptureFixture,
    begun: int,
    ended: int,
    drain: float,
    now: bool,
    words: str,
) -> None:
    class Exchange:
        started = asyncio.sleep(0)

    async def main() -> None:
        deployment = Deployment(drain, accounts=1)
        await deployment.start(cast("Any", Exchange()))
        for number in range(begun):
            deployment.hear(status(number, "ringing"))
            deployment.hear(status(number, "connected"))
        for number in range(ended):
            deployment.hear(status(number, "ended"))
        deployment.stop(now=now)

    caplog.set_level(logging.INFO, logger="callboard")
    run(main)
    assert caplog.messages == [words]
