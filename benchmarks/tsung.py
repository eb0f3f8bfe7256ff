"""tsung (http://tsung.erlang-projects.org) as the one to compare with: PLAIN over STARTTLS."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from callboard.benchmarks.accounts import HOST

MISSING = "tsung is not installed here (Debian: apt-get install tsung), so it was not measured."
DTD = "/usr/share/tsung/tsung-1.0.dtd"
REQUESTS = (
    *('type="connect" ack="local"', 'type="starttls" ack="bidi_ack"'),
    *('type="connect" ack="local"', 'type="auth_sasl" ack="local"'),
    *('type="connect" ack="local"', 'type="auth_sasl_bind" ack="local"'),
    *('type="auth_sasl_session" ack="local"', 'type="iq:roster:get" ack="local"'),
    'type="presence:initial" ack="no_ack"',
)


def configuration(port: int, count: int, rate: int) -> str:
    """Write a plan in which each account logs in once and then idles.

    Args:
        port: the server's, on loopback; it must offer PLAIN.
        count: how many accounts, of the names and passwords that `accounts` gives them.
        rate: how many begin a second.
    """
    requests = "\n".join(f"<request><jabber {request}/></request>" for request in REQUESTS)
    options = {
        "global_number": count,
        "userid_max": count,
        "domain": HOST,
        "username": "user",
        "passwd": "password",
    }
    described = "\n".join(
        f'<option type="ts_jabber" name="{name}" value="{value}"/>'
        for name, value in options.items()
    )
    seconds = 60 + count // rate  # arrivals are random: `maxnumber` ends them
    return f"""<?xml version="1.0"?>
<!DOCTYPE tsung SYSTEM "{DTD}" [] >
<tsung loglevel="error" dumptraffic="false" version="1.0">
<clients><client host="localhost" use_controller_vm="true" maxusers="15000"/></clients>
<servers><server host="127.0.0.1" port="{port}" type="tcp"/></servers>
<load><arrivalphase phase="1" duration="{seconds}" unit="second">
<users maxnumber="{count}" arrivalrate="{rate}" unit="second"/></arrivalphase></load>
<options>
{described}
</options>
<sessions><session bidi="true" probability="100" name="login" type="ts_jabber">
{requests}
<thinktime value="600"/>
</session></sessions>
</tsung>
"""


@asynccontextmanager
async def tsung(port: int, count: int, rate: int, folder: Path) -> AsyncIterator[int]:
    """Run tsung; nothing of it is left at the end.

    Args:
        port: see `configuration`.
        count: see there.
        rate: see there.
        folder: where its files go.

    Yields:
        the first process of its session.

    Raises:
        FileNotFoundError: it is not installed.
    """
    program = shutil.which("tsung")
    if program is None:
        raise FileNotFoundError(MISSING)
    plan = folder / "plan.xml"
    plan.write_text(configuration(port, count, rate), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(program, "-n", "-f", str(plan), "-l", str(folder), "start"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
