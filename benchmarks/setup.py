"""Call setup on loopback: how long until the caller gets the first packet of sound."""

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from typing import Any

from callboard.actors.garbage_collection import tune_garbage_collection
from callboard.actors.messages.exchange import ChatMessage
from callboard.benchmarks.accounts import HOST, passwords, user
from callboard.benchmarks.calls import BETWEEN, PATIENCE, Seat, seated
from callboard.benchmarks.partner import Ask, partner, serve
from callboard.benchmarks.result import Figure, Result, percentile
from callboard.benchmarks.trial import main, say, trial
from callboard.benchmarks.usage import keep_to
from callboard.cli.views.event import Event
from callboard.media import Connected, MediaEvent, Network, PeerConnection, ReceivePath, Silence
from callboard.server import Prosody

CALLER, CALLED = f"{user(0)}@{HOST}", f"{user(1)}@{HOST}"
NO_BROWSER = (
    "The browsers were not measured here: Chromium, Node.js or what script/setup test installs is "
    "missing."
)
#: Put into both pages: the microphone is opened once, and not again for each call.
OPEN = """(() => {
  const devices = navigator.mediaDevices;
  const open = devices.getUserMedia.bind(devices);
  let microphone;
  devices.getUserMedia = async (wanted) => (microphone ??= await open(wanted)).clone();
})()"""
#: Put into the called page: it takes each call by itself.
TAKE = """(() => {
  const tell = window.tell;
  window.tell = (text) => {
    tell(text);
    if (JSON.parse(text).kind === "incoming") phone.accept(false);
  };
})()"""
#: Put into the calling page: it looks every few milliseconds whether sound has come.
LISTEN = """(() => {
  const prototype = RTCPeerConnection.prototype;
  const plain = prototype.createOffer;
  const look = async (pc) => {
    if (pc.connectionState === "closed") return;
    if (pc.connectionState === "connected") {
      for (const one of (await pc.getStats()).values()) {
        if (one.type === "inbound-rtp" && one.packetsReceived > 0) {
          window.tell(JSON.stringify({ kind: "sound" }));
          return;
        }
      }
    }
    setTimeout(look, 2, pc);
  };
  prototype.createOffer = function (...arguments_) {
    look(this);
    return plain.apply(this, arguments_);
  };
})()"""


async def callboard(port: int, authority: str, calls: int) -> dict[str, Any]:
    """Return the seconds to the first packet, of calls one after the other, and what they need.

    Returns:
        the seconds since the proposal and since the offer, when each step of a proposed call was
        taken, and in turns with the calls the seconds of a stanza from one account to the other,
        and of ICE with DTLS between two legs that have their descriptions.
    """
    tune_garbage_collection()  # as `callboard run` does
    keep_to(0)
    found: dict[str, Any] = {"propose": [], "initiate": [], "steps": [], "way": [], "media": []}
    with tempfile.TemporaryDirectory() as folder:
        async with (
            seated([0], port, authority, folder) as (board, _),
            partner(called, port=port, authority=authority) as ask,
        ):
            for number in range(2 * calls + 2):
                kind = ("propose", "initiate")[number % 2]
                to = CALLED if kind == "propose" else f"{CALLED}/seat"
                call = await Seat.taken[CALLER].call(
                    to, audio="tone:440", message=kind == "propose"
                )
                await board.until(lambda: board.took(CALLER, call.id, "first-audio") is not None)  # noqa: B023
                steps = board.calls[CALLER, call.id].steps
                if number > 1:  # the first of each kind has the sound encoded
                    found[kind].append(steps["first-audio"] - steps.get(kind, 0.0))
                    if kind == "propose":
                        found["steps"].append(dict(steps))
                        found["way"].append(await _way(ask))
                        found["media"].append(await _media(ask))
                await call.hangup()
                await call.ended()
                await ask({"over": call.id})
                await asyncio.sleep(BETWEEN)
    return found


async def called(port: int, authority: str) -> dict[str, Any]:
    """Be who is called, on another core: Callboard, and the other end of a stanza and of a leg."""
    tune_garbage_collection()
    keep_to(1)
    came: asyncio.Queue[float] = asyncio.Queue()
    legs: list[Leg] = []

    def heard(event: Event) -> None:
        if isinstance(event, ChatMessage) and event.direction == "in":
            came.put_nowait(time.perf_counter())

    with tempfile.TemporaryDirectory() as folder:
        async with seated([1], port, authority, folder) as (board, _):
            board.heard = heard

            async def handle(message: dict[str, Any]) -> Any:
                match message:
                    case {"over": call}:
                        await board.until(lambda: board.took(CALLED, call, "ended") is not None)
                    case {"stanza": _}:
                        async with asyncio.timeout(PATIENCE):
                            return await came.get()
                    case {"offer": offer}:
                        legs.append(Leg())
                        return await legs[-1].pc.answer(offer, audio=Silence(), video=None)
                    case {"connected": _}:
                        connected = await legs[-1].connected()
                        await legs.pop().pc.close()
                        return connected
                return None

            await serve(handle)
    return {}


class Leg:
    """A peer connection that takes note of when it is connected."""

    def __init__(self) -> None:
        self.pc = PeerConnection(
            network=Network(addresses=("127.0.0.1",)),
            path=ReceivePath.PACKETS,
            on_event=self._hear,
        )
        self._connected: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def _hear(self, event: MediaEvent) -> None:
        if isinstance(event, Connected):
            self._connected.set_result(time.perf_counter())

    async def connected(self) -> float:
        """Return when it was connected, by a clock that all processes have in common."""
        async with asyncio.timeout(PATIENCE):
            return await self._connected


async def _way(ask: Ask) -> float:
    """Return the seconds that a stanza takes from the caller to the called."""
    began = time.perf_counter()
    await Seat.taken[CALLER].send(CALLED, "a stanza")
    came: float = await ask({"stanza": True})
    return came - began


async def _media(ask: Ask) -> float:
    """Return the seconds of ICE and DTLS, from the answer until both ends are connected."""
    leg = Leg()
    offer = await leg.pc.offer(audio=Silence(), video=None)
    answer = await ask({"offer": offer})
    began = time.perf_counter()
    await leg.pc.accept(answer)
    theirs: float = await ask({"connected": True})
    connected = max(await leg.connected(), theirs)
    await leg.pc.close()
    return connected - began


async def _browsers(server: Prosody, calls: int) -> list[float] | None:
    """Return the same of two pages with stanza.js, from session-initiate; None without browser."""
    from callboard.tests.browser.bundle import MODULES, bundle  # noqa: PLC0415 - not installed
    from callboard.tests.browser.chromium import chromium, find_chromium  # noqa: PLC0415
    from callboard.tests.browser.phone import phone  # noqa: PLC0415

    program = find_chromium()
    if program is None or not MODULES.is_dir():
        return None
    page = await asyncio.to_thread(bundle)
    found = []
    async with AsyncExitStack() as stack:
        first, second = (stack.enter_context(chromium(program)) for _ in range(2))
        caller = await stack.enter_async_context(phone(first, page))
        called = await stack.enter_async_context(phone(second, page))
        began = sounded = 0.0
        ready = asyncio.Event()
        take = caller._take  # noqa: SLF001

        def clocked(told: dict[str, Any]) -> None:
            nonlocal began, sounded
            if told["kind"] == "stanza" and "session-initiate" in told["xml"]:
                began = time.perf_counter()
            elif told["kind"] == "sound":
                sounded = time.perf_counter()
                ready.set()
            take(told)

        caller._tab.told = clocked  # noqa: SLF001
        for one in (caller, called):
            await one._tab.run(OPEN)  # noqa: SLF001
        await caller._tab.run(LISTEN)  # noqa: SLF001
        await called._tab.run(TAKE)  # noqa: SLF001
        names = passwords(2)
        for one, name in ((caller, user(0)), (called, user(1))):
            await one.login(f"{name}@{HOST}", names[name], server.websocket)
        for number in range(calls + 1):
            ready.clear()
            await caller("call", called.jid, False)
            async with asyncio.timeout(20):
                await ready.wait()
            if number:
                found.append(sounded - began)
            await caller("hangup")
            async with asyncio.timeout(20):
                await called.until("terminated")
            called.told.clear()
            caller.told.clear()
    return found


async def measure(quick: bool) -> Result:
    """Measure ours, then the browsers."""
    calls = 3 if quick else 120
    async with Prosody(passwords(2), websocket=True) as server:
        place = {"port": server.port, "authority": str(server.certificate)}
        mine = await trial(callboard, **place, calls=calls)
        pages, failure = None, NO_BROWSER
        if not quick:
            try:
                pages = await _browsers(server, calls)
            except Exception as error:
                failure = f"The browsers failed: {error}. So they were not measured."
                say(failure)
    result = Result(
        "Call setup",
        f"{calls} calls one after the other on loopback, Opus, with an embedded Prosody: until "
        "the caller receives the first packet of sound. Each side of ours is a process of its own, "
        "on a core of its own; the browsers are two headless Chromium with stanza.js, whose called "
        "page accepts by itself; their (fake) microphones are open already.",
    )
    shown = {"propose": "propose", "initiate": "session-initiate"}
    for key, name in shown.items():
        for share, most in ((0.5, 120), (0.99, 300)):
            ours = percentile(mine[key], share) * 1000
            theirs = {}
            if pages:
                theirs["stanza.js in Chromium"] = percentile(pages, share) * 1000
            ahead = all(value > ours for value in theirs.values()) if pages else True
            result.figures.append(
                Figure(
                    f"{name} to first packet, p{share * 100:.0f} ms",
                    ours,
                    theirs,
                    reach=f"<= {most}, ahead of the browsers",
                    met=ours <= most and ahead,
                )
            )
    if pages is None:
        result.notes.append("A smoke run has no browsers." if quick else failure)
    half = {key: percentile(mine[key], 0.5) for key in ("propose", "way", "media")}
    ratio = half["propose"] / (half["media"] + 4 * half["way"])
    result.figures.append(
        Figure(
            "propose to first packet ÷ (ICE and DTLS + two round trips), p50",
            ratio,
            reach="<= 1.5",
            met=ratio <= 1.5,
        )
    )
    result.notes.append(
        f"What a call can't do without, p50 in turns with the calls: ICE and DTLS between two legs "
        f"{half['media'] * 1000:.1f} ms, a stanza from one account to the other "
        f"{half['way'] * 1000:.1f} ms, four of which are two round trips."
    )
    result.notes.append(f"Ms from the proposal to each step, p50: {_waterfall(mine['steps'])}.")
    return result


def _waterfall(calls: list[dict[str, float]]) -> str:
    """Say when each step was taken that all calls took, and how long after the one before."""
    common = set.intersection(*(set(steps) for steps in calls))
    middle = {
        step: percentile([steps[step] - steps["propose"] for steps in calls], 0.5) * 1000
        for step in common
    }
    order = sorted(middle, key=lambda step: middle[step])
    before = [0.0, *(middle[step] for step in order)]
    return ", ".join(
        f"{step} {middle[step]:.1f} (+{middle[step] - earlier:.1f})"
        for step, earlier in zip(order, before, strict=False)
    )


if __name__ == "__main__":
    main(measure, {"callboard": callboard, "called": called})
