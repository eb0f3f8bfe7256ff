"""What an account does when its stream ends: how long it waits, and when it gives up."""

import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from callboard.actors.context import Context, Endpoint
from callboard.actors.login_session import MAX_REDIRECTS, LoginSession
from callboard.actors.messages.account import AccountMessage
from callboard.actors.messages.exchange import AccountChanged
from callboard.actors.runtime.actor import AsyncioActor, handles
from callboard.actors.xmpp.events import StreamClosed, StreamFailed, StreamOpened
from callboard.actors.xmpp.stream_end import Remedy, StreamEnd
from callboard.config import AccountSettings
from callboard.media import Network, ReceivePath
from callboard.tests.conftest import Run

JID = "alice@x"


@dataclass(frozen=True, slots=True)
class Handled:
    """All that was told before this is handled."""


class Line:
    """A stream that counts when it is opened."""

    def __init__(self) -> None:
        self.opened: list[tuple[str | None, int | None]] = []
        self.renamed: list[str] = []
        self.is_abandoned = False

    def open(self, host: str | None, port: int | None) -> None:
        self.opened.append((host, port))

    def rename(self, resource: str) -> None:
        self.renamed.append(resource)

    def abandon(self) -> None:
        self.is_abandoned = True

    def refuse(self, reason: str, remedy: Remedy) -> None:
        """Nothing is overdue here."""


class Account(AsyncioActor[AccountMessage | Handled], parts={"session": LoginSession}):
    """An account that has a session and nothing else."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self.session = LoginSession(cast("Any", self), context, lambda *_: None)

    @handles(Handled)
    def _handled(self, _: Handled) -> None:
        """Answer."""


class Exchange(AsyncioActor):
    """Keeps the reports."""

    def __init__(self, reports: list[AccountChanged]) -> None:
        super().__init__()
        self._reports = reports

    def on_receive(self, message: Any) -> None:
        if isinstance(message, AccountChanged):
            self._reports.append(message)


class Scene:
    """An account whose stream a test ends as it likes."""

    def __init__(self, **settings: Any) -> None:
        self.reports: list[AccountChanged] = []
        self.exchange = Exchange.start(self.reports)
        context = Context(
            settings=AccountSettings.model_validate(
                {"jid": JID, "password": "x", "bot": "none", **settings}
            ),
            endpoint=Endpoint(None, None, False, cast("ssl.SSLContext", None)),
            network=Network(("127.0.0.1",), (40000, 40010)),
            use_services=False,
            path=ReceivePath.NONE,
            largest_picture=1,
            recordings=Path(),
            writer=cast("Any", None),
            exchange=self.exchange,
            log=self.exchange,
            bot=cast("Any", None),
        )
        self.ref = Account.start(context)
        self.actor = cast("Account", self.ref._actor_weakref())
        self.line = Line()
        self.session.stream = cast("Any", self.line)

    @property
    def session(self) -> LoginSession:
        return self.actor.session

    def open(self) -> None:
        """Have the server let the account in."""
        self.session.opened(StreamOpened(f"{JID}/r", resumed=False))

    async def fail(self, end: StreamEnd, *, was_open: bool = False) -> float | None:
        """End the stream; return in how many seconds the account tries again, if it does."""
        opened, reported = len(self.line.opened), len(self.reports)
        self.ref.tell(StreamClosed(end) if was_open else StreamFailed(end))
        for ref in (self.ref, self.exchange):
            await ref.ask(Handled(), block=False)
        if len(self.line.opened) > opened:
            return 0.0
        waits = [re.search(r"next try in ([0-9.]+) s$", e.detail) for e in self.reports[reported:]]
        return next((float(found[1]) for found in waits if found is not None), None)

    async def close(self) -> None:
        for ref in (self.ref, self.exchange):
            ref.stop(block=False)
            await ref.ended


@pytest.mark.parametrize(
    ("remedy", "first", "cap"), [(Remedy.AGAIN, 1.0, 60.0), (Remedy.LATER, 120.0, 1800.0)]
)
def test_the_waits_grow_to_their_bound_and_are_never_all_of_them_chance(
    run: Run, remedy: Remedy, first: float, cap: float
) -> None:
    async def main() -> None:
        scene = Scene()
        for number in range(12):
            wait = await scene.fail(StreamEnd("why", remedy))
            bound = min(cap, first * 2**number)
            assert wait is not None
            assert bound / 2 - 0.05 <= wait <= bound + 0.05
        await scene.close()

    run(main)


def test_a_login_that_never_worked_is_not_tried_again_and_one_that_did_is_in_minutes(
    run: Run,
) -> None:
    async def main() -> None:
        end = StreamEnd("wrong password", Remedy.GIVE_UP)
        scene = Scene()
        assert await scene.fail(end) is None
        assert scene.line.is_abandoned
        assert scene.reports[-1] == AccountChanged(JID, "failed", "wrong password")
        await scene.close()
        scene = Scene()
        scene.open()
        wait = await scene.fail(end, was_open=True)
        assert wait is not None
        assert wait >= 60
        await scene.close()

    run(main)


def test_settings_that_look_wrong_are_not_tried_again_and_those_that_worked_are_in_seconds(
    run: Run,
) -> None:
    async def main() -> None:
        end = StreamEnd("no TLS", Remedy.CHECK)
        scene = Scene()
        assert await scene.fail(end) is None
        assert scene.line.is_abandoned
        assert scene.reports[-1] == AccountChanged(JID, "failed", "no TLS")
        await scene.close()
        scene = Scene()
        scene.open()
        wait = await scene.fail(end, was_open=True)
        assert wait is not None
        assert wait <= 1
        await scene.close()

    run(main)


def test_hosts_that_only_name_others_are_followed_so_far(run: Run) -> None:
    async def main() -> None:
        scene = Scene()
        end = StreamEnd("elsewhere", Remedy.ELSEWHERE, ("other.x", None))
        for number in range(MAX_REDIRECTS):
            assert await scene.fail(end) == 0
            assert scene.line.opened[number] == ("other.x", 5222)
        wait = await scene.fail(end)
        assert wait is not None
        assert wait >= 60
        assert scene.session._elsewhere is None
        await scene.close()

    run(main)


@pytest.mark.parametrize("remedy", [Remedy.YIELD, Remedy.RENAME])
def test_a_made_up_resource_that_is_taken_is_changed_once(run: Run, remedy: Remedy) -> None:
    async def main() -> None:
        scene = Scene()
        assert await scene.fail(StreamEnd("conflict", remedy)) is not None
        assert len(scene.line.renamed) == 1
        again = await scene.fail(StreamEnd("conflict", remedy))
        assert len(scene.line.renamed) == 1
        assert (again is None) == (remedy is Remedy.YIELD)
        await scene.close()

    run(main)


@pytest.mark.parametrize("remedy", [Remedy.YIELD, Remedy.RENAME])
def test_a_declared_resource_is_never_changed(run: Run, remedy: Remedy) -> None:
    async def main() -> None:
        scene = Scene(resource="desk")
        again = await scene.fail(StreamEnd("conflict", remedy))
        assert not scene.line.renamed
        assert (again is None) == (remedy is Remedy.YIELD)
        await scene.close()

    run(main)


@pytest.mark.parametrize("remedy", Remedy)
def test_who_is_about_to_log_out_does_not_come_back(run: Run, remedy: Remedy) -> None:
    async def main() -> None:
        scene = Scene()
        scene.open()
        scene.session.finish()
        end = StreamEnd("why", remedy, ("other.x", 5222))
        assert await scene.fail(end, was_open=True) is None
        await scene.close()

    run(main)
