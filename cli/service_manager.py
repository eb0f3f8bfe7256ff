"""Telling systemd how the service stands (`sd_notify(3)`).

A datagram of a few words to a socket that the environment names is all there is to it, so no
library is needed.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager

log = logging.getLogger(__name__)

#: Seconds between two words on how the service stands, where the watchdog wants none sooner.
BEAT = 10.0
#: Characters of a sentence that `systemctl status` shows.
MOST_SHOWN = 300


class ServiceManager:
    """What has started this process as a service, if it wants to be told how that goes.

    Args:
        address: the socket's path, or its name after an ``@``; None if nobody wants to be told.
        watchdog: seconds within which a sign of life has to follow the last one; None: no matter.
    """

    def __init__(self, address: str | None, watchdog: float | None = None) -> None:
        self._address = address
        self._beat = BEAT if watchdog is None else min(BEAT, watchdog / 2)
        self._is_failing = False
        self._note = ""

    @property
    def is_there(self) -> bool:
        """Whether this process runs as a service, so that all it prints is kept in a log."""
        return self._address is not None

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> "ServiceManager":
        """Return what the environment tells of.

        Args:
            environ: the environment variables. Those of the service manager are removed, as they
                are not meant for child processes.
        """
        address = environ.pop("NOTIFY_SOCKET", None)
        microseconds, process = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        is_watched = microseconds.isdecimal() and process in ("", str(os.getpid()))
        seconds = int(microseconds) / 1e6 if is_watched else 0.0
        return cls(address, seconds or None)

    @asynccontextmanager
    async def told(
        self, sentence: Callable[[], str], ending: Callable[[], float]
    ) -> AsyncIterator[None]:
        """Say that the service runs, give signs of life from the loop, and say that it ends.

        Args:
            sentence: says how it stands.
            ending: gives the seconds that its end may take, however long the unit gives it.
        """
        if self._address is None:
            yield
            return
        self._say("READY=1", f"STATUS={self._shown(sentence())}")

        async def live() -> None:
            while True:
                await asyncio.sleep(self._beat)
                self._say("WATCHDOG=1", f"STATUS={self._shown(sentence())}")

        living = asyncio.create_task(live(), name="signs of life for the service manager")
        try:
            yield
        finally:
            self._say("STOPPING=1", f"EXTEND_TIMEOUT_USEC={int(ending() * 1e6)}", "STATUS=ending")
            living.cancel()

    def reloading(self) -> None:
        """Say that a reload begins."""
        # Without the time, systemd 253 and newer would not know which reload it is.
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._say("RELOADING=1", f"MONOTONIC_USEC={now}")

    def reloaded(self, problem: str = "") -> None:
        """Say that a reload is over.

        Args:
            problem: why nothing has changed.
        """
        self._note = f"not reloaded: {problem}" if problem else ""
        self._say("READY=1")

    def _shown(self, sentence: str) -> str:
        text = f"{sentence}; {self._note}" if self._note else sentence
        return text.replace("\n", " ")[:MOST_SHOWN]

    def _say(self, *words: str) -> None:
        if self._address is None:
            return
        name = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as outlet:
                outlet.setblocking(False)
                outlet.sendto("\n".join(words).encode(), name)
        except (OSError, ValueError) as error:
            if not self._is_failing:
                log.warning("the service manager can't be told how it goes: %s", error)
            self._is_failing = True
        else:
            self._is_failing = False
