"""Logins that follow a lost connection: with a password, and with a token in one round trip."""

import tempfile
from pathlib import Path
from typing import Any

from callboard.benchmarks.accounts import ours, passwords
from callboard.benchmarks.result import Figure, Result, middle
from callboard.benchmarks.trial import main, trial, turns
from callboard.benchmarks.usage import cpu
from callboard.server import MODULES, Prosody

#: Prosody's modules for SASL2, Bind 2 and FAST, and what makes them run on 0.12.
INLINE = ("sasl2_on_0_12", "sasl2", "sasl2_bind2", "sasl2_fast")
PLUGINS = Path(__file__).resolve().parent.parent / "tests" / "live" / "prosody_modules"
INSTALLED = Path("/usr/lib/prosody/modules/mod_sasl2").exists()
#: Logins at a time, at first.
AT_ONCE = 200


async def storm(port: int, authority: str, count: int) -> dict[str, Any]:
    """Log in, lose all connections at once, and come back.

    Returns:
        CPU milliseconds of a first login and of one after the loss, and the seconds in which all
        were back.
    """
    with tempfile.TemporaryDirectory() as folder:
        async with ours(port, authority, folder) as accounts:
            before = cpu()
            await accounts.login(0, count, AT_ONCE)
            first, before = cpu() - before, cpu()
            seconds = await accounts.lose(count)
            again = cpu() - before
    return {"first": first / count * 1000, "again": again / count * 1000, "seconds": seconds}


async def _on_server(count: int, *, inline: bool) -> dict[str, Any]:
    modules = (*MODULES, *(INLINE if inline else ()))
    async with Prosody(passwords(count), modules=modules, plugins=PLUGINS) as server:
        before = cpu(server.pid)
        found = await trial(storm, port=server.port, authority=str(server.certificate), count=count)
        return found | {"server": (cpu(server.pid) - before) / (2 * count) * 1000}


async def measure(quick: bool) -> Result:
    """Measure in turns, each on a server of its own."""
    count, times = (10, 1) if quick else (1000, 2)
    result = Result(
        "Logins after a lost connection",
        f"{count:,} accounts, each with a password and a salt of its own, log in over STARTTLS; "
        "then all connections are lost in the same moment, and each account comes back by itself "
        "after the usual wait with jitter (0.5 to 1 s at first). Without: SCRAM-SHA-1, then "
        "resumption (XEP-0198). With: a token in place of the password (XEP-0484), and resumption "
        "in the same round trip (XEP-0388). A token saves round trips; the hashing is saved "
        "without one too, where the salt is the same. Prosody runs on the same machine.",
    )
    if not INSTALLED:
        result.notes.append("Prosody's modules for SASL2 are not here (Debian: prosody-modules).")
        plain, inline = (await turns(times, lambda: _on_server(count, inline=False)))[0], []
    else:
        plain, inline = await turns(
            times,
            lambda: _on_server(count, inline=False),
            lambda: _on_server(count, inline=True),
            together=quick,
        )
    before = {key: middle(plain, key) for key in ("first", "again", "seconds", "server")}
    after = {key: middle(inline, key) if inline else None for key in before}
    again = after["again"]
    ratio = None if again is None else again / before["first"]
    result.figures = [
        Figure(
            "CPU of a login with a token ÷ of a first login without",
            ratio,
            reach="<= 3/4",
            met=None if ratio is None else ratio <= 0.75,
        ),
        *(
            Figure(words, after[key], {"without": before[key]})
            for key, words in (
                ("first", "CPU of a first login, ms"),
                ("again", "CPU of a login after the loss, ms"),
                ("seconds", f"seconds until {count:,} are back"),
                ("server", "CPU of the server, ms a login"),
            )
        ),
    ]
    return result


if __name__ == "__main__":
    main(measure, {"storm": storm})
