"""Logins over TLS: CPU of the client for each, and how many a second."""

import shutil
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from callboard.benchmarks import floor
from callboard.benchmarks.accounts import Logins, Plain, ours, passwords
from callboard.benchmarks.result import Figure, Result, middle
from callboard.benchmarks.trial import main, say, trial, turns
from callboard.benchmarks.tsung import MISSING, tsung
from callboard.benchmarks.usage import cpu, session
from callboard.server import Prosody

#: Logins before those that count.
WARM = 10
OTHERS = ("slixmpp", "tsung")
#: How many of ours may be open at a time; tsung opens a thousand a second, whatever is open.
AT_ONCE = 200


async def callboard(port: int, authority: str, count: int, fleet: bool = False) -> dict[str, Any]:
    """Return the CPU milliseconds of a login of ours."""
    with tempfile.TemporaryDirectory() as folder:
        async with ours(port, authority, folder) as accounts:
            await accounts.login(0, WARM, fleet=fleet)
            before = cpu()
            await accounts.login(WARM, count, AT_ONCE, fleet=fleet)
            return {"cpu": (cpu() - before) / (count - WARM) * 1000, "warm": WARM}


async def plain_slixmpp(port: int, authority: str, count: int) -> dict[str, Any]:
    """Return the same of slixmpp's clients."""
    accounts = Plain(port, authority)
    await accounts.login(0, WARM)
    before = cpu()
    await accounts.login(WARM, count)
    found = {"cpu": (cpu() - before) / (count - WARM) * 1000, "warm": WARM}
    await accounts.close()
    return found


async def _tsung(server: Prosody, logins: Logins, count: int) -> dict[str, Any]:
    """Return the same of tsung, once it runs; it begins a thousand logins a second at the most."""
    with tempfile.TemporaryDirectory() as folder:
        async with tsung(server.port, count, 1000, Path(folder)) as leader:
            await logins.reach(WARM)
            before = sum(map(cpu, session(leader)))
            done = len(logins.times)
            there = await logins.reach(count)
            used = sum(map(cpu, session(leader))) - before
    found = {"cpu": used / (there - done) * 1000, "failed": count - there}
    say(f"tsung -> {found}")
    return found


async def measure(quick: bool) -> Result:
    """Measure in turns, each on a server of its own."""
    many, few, times = (15, 12, 1) if quick else (1500, 110, 3)
    result = Result(
        "Login",
        f"Each of {many:,} accounts ({few} of slixmpp's) logs in once, to an embedded Prosody of "
        "its own for each trial: STARTTLS, SCRAM-SHA-1 with 10,000 iterations and a password of "
        "its own for each, so that none is hashed for two; bound, resumption on, roster fetched, "
        "carbons on, presence with capabilities sent. tsung uses PLAIN, which costs the client "
        "no hashing (and the server all of it). The rate is that of the server's log, from the "
        "first connection to the last login; one process of ours. A fleet is accounts with one "
        "password, as `callboard load` has them: the embedded server has one salt for all, and "
        "the client hashes once. Prosody runs on the same machine. The floor is the client's part "
        "of the TLS handshake and of PBKDF2, by plain calls of OpenSSL in the same turns.",
    )

    async def on_server(
        count: int,
        work: Callable[[Prosody, Logins], Awaitable[dict[str, Any]]],
        *,
        fleet: bool = False,
    ) -> dict[str, Any]:
        async with Prosody(passwords(count, fleet), plain=True) as server:
            with Logins() as logins:
                seen = dict(await work(server, logins))
            seen["rate"] = logins.rate(seen.pop("warm", 0))
            seen["server"] = cpu(server.pid) / len(logins.times) * 1000
        return seen

    def child(
        function: Any, count: int, **more: Any
    ) -> Callable[[Prosody, Logins], Awaitable[dict[str, Any]]]:
        return lambda server, _: trial(
            function, port=server.port, authority=str(server.certificate), count=count, **more
        )

    clients = {
        "floor": lambda: trial(floor.login, times=1 if quick else 100),
        "callboard": lambda: on_server(many, child(callboard, many)),
        "fleet": lambda: on_server(many, child(callboard, many, fleet=True), fleet=True),
        "slixmpp": lambda: on_server(few, child(plain_slixmpp, few)),
        "tsung": lambda: on_server(many, lambda server, logins: _tsung(server, logins, many)),
    }
    if quick or shutil.which("tsung") is None:
        del clients["tsung"]
        result.notes.append("A smoke run leaves tsung out." if quick else MISSING)
    trials = await turns(times, *clients.values(), together=quick)
    found = dict(zip(clients, trials, strict=True))
    mine = {key: middle(found["callboard"], key) for key in ("cpu", "rate", "server")}
    ratio = statistics.median(
        one["cpu"] / least["cpu"]
        for one, least in zip(found["callboard"], found["floor"], strict=True)
    )
    fleet = {key: middle(found["fleet"], key) for key in mine}
    theirs = {
        key: {name: middle(found[name], key) for name in clients if name in OTHERS} for key in mine
    }
    lost = sum(int(one.get("failed", 0)) for one in found.get("tsung", ()))
    if lost:
        result.notes.append(f"{lost} of tsung's {many * times:,} logins failed and are left out.")
    result.figures = [
        Figure(
            "CPU of the client, ms a login",
            mine["cpu"],
            theirs["cpu"],
            reach="<= 1/12 of slixmpp's",
            met=theirs["cpu"]["slixmpp"] / mine["cpu"] >= 12,
        ),
        Figure(
            "logins a second",
            mine["rate"],
            theirs["rate"],
            better="high",
            reach="not below tsung's",
            met=mine["rate"] >= theirs["rate"]["tsung"] if "tsung" in clients else None,
        ),
        Figure(
            "logins a second, a fleet",
            fleet["rate"],
            theirs["rate"],
            better="high",
            reach="not below tsung's",
            met=fleet["rate"] >= theirs["rate"]["tsung"] if "tsung" in clients else None,
        ),
        Figure("CPU of the client ÷ its floor (TLS + PBKDF2)", ratio),
        Figure("CPU of the client, ms a login, a fleet", fleet["cpu"], theirs["cpu"]),
        Figure("CPU of the server, ms a login", mine["server"], theirs["server"]),
    ]
    return result


if __name__ == "__main__":
    main(measure, {"callboard": callboard, "plain_slixmpp": plain_slixmpp})
