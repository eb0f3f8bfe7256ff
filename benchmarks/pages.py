"""Many pages of the board beside many calls: what calls notice of pages, and pages of calls."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any, Self

from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.benchmarks.accounts import HOST, passwords, user
from callboard.benchmarks.calls import BETWEEN, PATIENCE, Seat, seated
from callboard.benchmarks.leg import LOOPBACK, WATCHED, Departures, pacing
from callboard.benchmarks.partner import partner, serve
from callboard.benchmarks.result import Figure, Result, middle, percentile
from callboard.benchmarks.trial import main, trial, turns
from callboard.benchmarks.usage import cpu, keep_to
from callboard.bots import Call
from callboard.config.web import WebSettings
from callboard.media import Connected, MediaEvent, PeerConnection, ReceivePath, Silence
from callboard.server import Prosody
from callboard.tests.control.history.past import NOON, add, past

CALLER, CALLED = (f"{user(number)}@{HOST}" for number in (0, 1))
#: Past calls that the history has.
PAST = 2_000
#: What a page asks for when it opens, and what is asked of the API.
OPENED = (
    "/",
    "/page/main.js",
    "/page/style.css",
    "/api/status?limit=10000",
    "/api/calls?limit=10000",
)
ASKED = (
    "/api/status",
    "/api/calls",
    f"/api/accounts/{CALLED}/conversations",
    "/api/history?peer=alice&limit=50",
)
#: Seconds between two questions: one address may ask a hundred times a second.
REST = 0.015


class Connection:
    """A connection with the board, as a browser keeps one.

    Args:
        link: what Callboard printed.
    """

    def __init__(self, link: str) -> None:
        address, _, self._token = link.removeprefix("http://").partition("/#token=")
        self._host, _, self._port = address.partition(":")

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection(self._host, int(self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    async def ask(self, method: str, target: str, body: str = "") -> tuple[dict[str, str], bytes]:
        """Send a request, and return the headers of the answer and all of it."""
        headers = await self.begin(method, target, body)
        return headers, await self._reader.readexactly(int(headers.get("content-length", "0")))

    async def begin(self, method: str, target: str, body: str = "") -> dict[str, str]:
        """Send a request, and return the headers of the answer."""
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Authorization: Bearer {self._token}\r\nContent-Type: application/sdp\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._writer.write(head.encode())
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        status = int(first.split()[1])
        assert status < 300, first  # noqa: S101 - what is measured must be what was meant
        return {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}

    async def read(self) -> int:
        """Read of an answer that goes on, and return how many octets came."""
        return len(await self._reader.read(65536))


# -- what is beside the calls ----------------------------------------------------------------------


class Page:
    """A page that is open: it has asked for what it shows, and follows what happens."""

    def __init__(self, link: str) -> None:
        self._connection = Connection(link)
        self._following: asyncio.Task[None] | None = None
        self.octets = 0

    async def open(self) -> None:
        """Open it."""
        await self._connection.__aenter__()
        for target in OPENED:
            await self._connection.ask("GET", target)
        await self._connection.begin("GET", "/api/events")
        self._following = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        while count := await self._connection.read():
            self.octets += count

    async def close(self) -> None:
        """Close it."""
        if self._following is not None:
            self._following.cancel()
            await asyncio.wait([self._following])
        await self._connection.__aexit__()


class Listener:
    """A page's connection that hears what a call receives."""

    def __init__(self, link: str, call: str) -> None:
        self._connected = asyncio.Event()
        self._connection = Connection(link)
        self._target = f"/api/calls/{call}/listen/received?account={CALLED}"
        self._pc = PeerConnection(network=LOOPBACK, path=ReceivePath.NONE, on_event=self._hear)
        self._resource = ""

    def _hear(self, event: MediaEvent) -> None:
        if isinstance(event, Connected):
            self._connected.set()

    async def open(self) -> None:
        """Begin to listen."""
        await self._connection.__aenter__()
        offer = (await self._pc.offer(audio=Silence(), video=None)).replace(
            "a=sendrecv", "a=recvonly"
        )
        headers, answer = await self._connection.ask("POST", self._target, offer)
        self._resource = headers["location"]
        await self._pc.accept(answer.decode())
        async with asyncio.timeout(PATIENCE):
            await self._connected.wait()

    async def close(self) -> None:
        """Listen no more."""
        await self._connection.ask("DELETE", self._resource)
        await self._connection.__aexit__()
        await self._pc.close()


async def others(port: int, authority: str, link: str) -> dict[str, Any]:
    """Be all who are not Callboard: who calls, who has pages open and listens, and who asks."""
    keep_to(1)
    with tempfile.TemporaryDirectory() as folder:
        async with (
            seated([0], port, authority, folder),
            AsyncExitStack() as visits,
        ):
            calls: list[Call] = []

            async def handle(message: dict[str, Any]) -> Any:
                if "ask" in message:
                    async with Connection(link) as connection:
                        return await _asked(connection, message["ask"])
                while len(calls) < message["calls"]:
                    call = await Seat.taken[CALLER].call(CALLED, audio="tone:440")
                    async with asyncio.timeout(PATIENCE):
                        await call.connected()
                    calls.append(call)
                    await asyncio.sleep(BETWEEN)
                await visits.aclose()
                ids = [calls[number % len(calls)].id for number in range(message["listeners"])]
                everybody: list[Page | Listener] = [Page(link) for _ in range(message["pages"])]
                for one in (*everybody, *(Listener(link, each) for each in ids)):
                    await one.open()
                    visits.push_async_callback(one.close)
                    await asyncio.sleep(0.06)  # an address may ask a hundred times a second
                return {}

            await serve(handle)
            await visits.aclose()
            for call in calls:
                await call.hangup()
    return {}


async def _asked(connection: Connection, times: int) -> dict[str, list[float]]:
    """Ask the API; return how long each answer took, in ms."""
    found: dict[str, list[float]] = {target: [] for target in ASKED}
    for _ in range(times):
        for target, taken in found.items():
            began = time.perf_counter()
            await connection.ask("GET", target)
            taken.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(REST)
    return found


# -- the trials ------------------------------------------------------------------------------------


async def paced(
    port: int, authority: str, calls: int, pages: int, listeners: int, seconds: float, windows: int
) -> dict[str, Any]:
    """Return the pacing error of calls, p99 in ms, without and with pages, window by window.

    Args:
        port: the server's, on loopback.
        authority: the file with the authority of its certificate.
        calls: with sound, which one account takes.
        pages: that are open meanwhile.
        listeners: that hear a call each.
        seconds: how long a window is.
        windows: of each kind, in turns.
    """
    tune_garbage_collection()
    keep_to(0)
    found: dict[str, list[float]] = {"off": [], "on": [], "cpu off": [], "cpu on": []}
    with tempfile.TemporaryDirectory() as folder:
        async with seated([1], port, authority, folder, web=WebSettings()) as (board, deployment):
            assert deployment.board is not None  # noqa: S101 - it was asked for
            link = str(deployment.board.link)
            async with partner(others, port=port, authority=authority, link=link) as ask:
                await ask({"calls": calls, "pages": 0, "listeners": 0})
                await board.until(lambda: board.connected() == calls)
                times = [_watch(one) for one in Seat.taken[CALLED].calls[:WATCHED]]
                for _ in range(windows):
                    for kind, are_there in (("off", 0), ("on", 1)):
                        count = {"pages": pages * are_there, "listeners": listeners * are_there}
                        await ask({"calls": calls, **count})
                        await asyncio.sleep(seconds / 5)
                        used = cpu()
                        for one in times:
                            one.clear()
                        await asyncio.sleep(seconds)
                        late = [error for one in times for error in pacing(one.times())]
                        found[kind].append(1000 * percentile(late, 0.99))
                        found[f"cpu {kind}"].append(100 * (cpu() - used) / seconds)
    return dict(found)


def _watch(call: Call) -> Departures:
    """Watch when a call's sound leaves: no message gives out what is inside."""
    actor: Any = call.ref._actor_weakref()  # noqa: SLF001
    connection = actor._leg.connection  # noqa: SLF001
    return Departures(connection._pc, connection.media)  # noqa: SLF001


async def answers(port: int, authority: str, calls: int, times: int) -> dict[str, Any]:
    """Return how long the API takes to answer, in ms, by what is asked and for all together.

    Args:
        port: the server's, on loopback.
        authority: the file with the authority of its certificate.
        calls: with sound, that go on meanwhile.
        times: how often each is asked.
    """
    tune_garbage_collection()
    keep_to(0)
    with tempfile.TemporaryDirectory() as folder:
        records = [past(started=NOON + number, ended=NOON + number + 9) for number in range(PAST)]
        await asyncio.to_thread(add, Path(folder, "calls.jsonl"), *records)
        async with seated([1], port, authority, folder, web=WebSettings()) as (_, deployment):
            assert deployment.board is not None  # noqa: S101 - it was asked for
            link = str(deployment.board.link)
            async with partner(others, port=port, authority=authority, link=link) as ask:
                await ask({"calls": calls, "pages": 0, "listeners": 0})
                await ask({"ask": 2})
                found: dict[str, list[float]] = await ask({"ask": times})
    late = {target: percentile(taken, 0.99) for target, taken in found.items()}
    every = [one for taken in found.values() for one in taken]
    return {**late, "p50": percentile(every, 0.5), "p99": percentile(every, 0.99)}


# -- the measurement -------------------------------------------------------------------------------


async def measure(quick: bool) -> Result:
    """Measure in turns."""
    calls, pages, listeners = (1, 2, 1) if quick else (40, 50, 20)
    seconds, windows, rounds = (0.3, 1, 1) if quick else (6.0, 4, 3)
    many, times = (1, 2) if quick else (100, 200)
    async with Prosody(passwords(2)) as server:
        place = {"port": server.port, "authority": str(server.certificate)}
        found = await trial(
            paced,
            **place,
            calls=calls,
            pages=pages,
            listeners=listeners,
            seconds=seconds,
            windows=windows,
        )
        idle, busy = await turns(
            rounds,
            *(partial(trial, answers, **place, calls=calls, times=times) for calls in (0, many)),
        )
    off, on = percentile(found["off"], 0.5), percentile(found["on"], 0.5)
    noise = max(found["off"])
    late = {target: (middle(idle, target), middle(busy, target)) for target in (*ASKED, "p99")}
    least, most = late["p99"]
    return Result(
        "Many pages, many calls",
        f"{calls} calls with sound of one account, on one core; beside them and in turns nobody, "
        f"or {pages} pages and {listeners} listeners, on another core with the other ends of the "
        "calls. A page is an HTTP client that asks for what a page shows and follows the events; a "
        "listener is a peer connection by WHEP. Then the API, asked over one connection by "
        f"another process, of an idle instance and of one with {many} calls; both have {PAST:,} "
        "past calls.",
        [
            Figure("pacing error, p99 ms, nobody", off),
            Figure(
                f"pacing error, p99 ms, {pages} pages and {listeners} listeners",
                on,
                reach=f"<= {noise:.2f} (the worst window with nobody)",
                met=None if quick else on <= noise,
            ),
            Figure("CPU, % of a core, nobody", percentile(found["cpu off"], 0.5)),
            Figure(
                f"CPU, % of a core, {pages} pages and {listeners} listeners",
                percentile(found["cpu on"], 0.5),
            ),
            Figure("answers of the API, idle, p99 ms", least),
            Figure(
                f"answers of the API, {many} calls, p99 ms",
                most,
                reach=f"<= {5 * least:.1f} (5 times the idle instance's)",
                met=None if quick else most <= 5 * least,
            ),
        ],
        [
            f"`{target}`: idle {was:.1f} ms, with {many} calls {now:.1f} ms (p99)."
            for target, (was, now) in late.items()
            if target != "p99"
        ],
    )


if __name__ == "__main__":
    main(measure, {"answers": answers, "others": others, "paced": paced})
