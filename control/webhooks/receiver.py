"""One receiver: what waits for it, and how it takes it."""

import asyncio
import json
import logging
import random
import ssl
import time
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any, Literal

from ...actors.runtime.backoff import Backoff
from ...config.webhook import WebhookSettings
from ..instance.events import event_of
from .hooks import Hook
from .post import PostFailure, post
from .signature import key_of, signed

log = logging.getLogger(__name__)

#: Events that wait for a receiver at the most; the oldest goes when one more comes.
MOST_PENDING = 1000
#: Requests to a receiver at a time.
AT_ONCE = 4
#: How often an event is sent at the most, and for how many seconds it is tried.
TRIES, LIFETIME = 20, 3600.0
#: Between two tries: 2 s, 4 s … up to 5 minutes, of which at least a half is waited.
BACKOFF = Backoff(base=2.0, cap=300.0, least=0.5)

#: What became of an event: the receiver took it; it refused it for good; it did not take it in
#: time; it had to go because too many waited; the program has ended.
Outcome = Literal["delivered", "refused", "expired", "dropped", "unsent"]


class Receiver:
    """Sends events to one URL, on the loop of `Webhooks`.

    Args:
        name: what it is called in the log; no secret.
        settings: who it is.
        trust: what its certificate is checked with; None for ``http``.

    Attributes:
        name: what it is called.
        outcomes: what became of the events so far.
        failure: why it does not take events at the moment, or "".
    """

    def __init__(self, name: str, settings: WebhookSettings, trust: ssl.SSLContext | None) -> None:
        self.name = name
        self.outcomes: Counter[Outcome] = Counter()
        self.failure = ""
        self._events = frozenset(settings.events)
        self._target = settings.target
        self._trust = trust
        self._key = key_of(settings.secret.get_secret_value())
        self._agent = f"callboard/{version('callboard')}"
        self._pending: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._is_ending = asyncio.Event()

    @property
    def pending(self) -> int:
        """How many events wait."""
        return len(self._pending)

    def take(self, hook: Hook) -> None:
        """Begin to send an event, if the receiver wants it."""
        if hook.name not in self._events:
            return
        if len(self._pending) >= MOST_PENDING:
            self.drop(next(iter(self._pending)))
        self._pending[hook.id] = asyncio.create_task(self._deliver(hook))

    def drop(self, identifier: str, outcome: Outcome = "dropped") -> None:
        """Give up an event that waits."""
        self._pending.pop(identifier).cancel()
        self.outcomes[outcome] += 1

    async def finish(self, seconds: float) -> None:
        """Try once more what waits, at once, and give up the rest.

        Args:
            seconds: how long that may take.
        """
        self._is_ending.set()
        tasks = list(self._pending.values())
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for identifier in list(self._pending):
            self.drop(identifier, "unsent")
        await asyncio.gather(*tasks, return_exceptions=True)
        if lost := self.outcomes["unsent"]:
            events = "1 event was" if lost == 1 else f"{lost} events were"
            log.warning(
                "webhook %s: %s not delivered before the end: it %s",
                self.name,
                events,
                self.failure or "was too slow",
            )

    async def _deliver(self, hook: Hook) -> None:
        outcome: Outcome = "unsent"
        try:
            outcome = await self._outcome(hook)
        except Exception:
            log.exception("webhook %s: an event could not be sent", self.name)
        del self._pending[hook.id]  # it is there: who takes it out cancels this
        self.outcomes[outcome] += 1

    async def _outcome(self, hook: Hook) -> Outcome:
        body = _body(hook)
        until = time.monotonic() + LIFETIME
        for tries in range(TRIES):
            is_last = self._is_ending.is_set()
            async with self._slots:
                headers = signed(self._key, hook.id, time.time(), body)
                named: Mapping[str, str] = {"User-Agent": self._agent, **headers}
                failure = await post(self._target, named, body, self._trust)
            self._note(failure)
            if failure is None:
                return "delivered"
            if not failure.again:
                return "refused"
            if is_last:
                return "unsent"
            delay = BACKOFF.delay(tries, random.random())  # noqa: S311 - jitter
            if time.monotonic() + delay > until:
                break
            await self._wait(delay)
        return "expired"

    async def _wait(self, seconds: float) -> None:
        """Wait for the next try, which comes at once when the end comes."""
        try:
            async with asyncio.timeout(seconds):
                await self._is_ending.wait()
        except TimeoutError:
            pass

    def _note(self, failure: PostFailure | None) -> None:
        """Say when the receiver begins to fail, and when it is back."""
        before, self.failure = self.failure, "" if failure is None else failure.why
        if failure is not None and failure.why != before:
            log.warning("webhook %s %s", self.name, failure.why)
        elif failure is None and before:
            log.info("webhook %s takes events again", self.name)


def _body(hook: Hook) -> bytes:
    """Return what is sent: the event as ``--json`` prints it, and what it means."""
    fields: dict[str, Any] = {"type": hook.name}
    fields |= event_of(hook.report, hook.at).model_dump(mode="json")
    if hook.call is not None:
        call = hook.call
        fields["call"] = {
            "uuid": call.uuid, "id": call.id, "account": call.account, "peer": call.peer
        }  # fmt: skip
    return json.dumps(fields).encode()
