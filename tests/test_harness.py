"""The harness fails the tests that it should fail, and no others."""

import asyncio
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
import uvloop
from callboard.tests.conftest import Run
from callboard.tests.harness.loops import BEAT, lateness, watched_loops

CONFTEST = """
from callboard.tests.conftest import *
from callboard.tests.harness import leftovers

leftovers.GRACE = 0.2
"""

WAITING = """
import subprocess

def test_it():
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        print("started", process.pid, flush=True)
        process.wait()
    finally:
        process.kill()
        process.wait()
"""

#: As a script under nohup starts something with "&".
IN_BACKGROUND = ("sh", "-c", "trap '' INT HUP; exec \"$@\"", "sh")

SUITE = r'''
import asyncio, ctypes, hashlib, os, socket, subprocess, sys, tempfile, threading, time
import pytest, uvloop
from contextlib import suppress
from callboard.media.rtc.ice.confinement import confine, primary_address

forever = []

HOG = """
import os, time
os.sched_setaffinity(0, {%d})
print(flush=True)
end = time.monotonic() + 1
while time.monotonic() < end:
    pass
"""

async def block():
    time.sleep(0.6)

async def block_in_naps():
    subprocess.Popen(["sleep", "0.6"]).wait(timeout=5)

async def block_in_child():
    subprocess.run(["sleep", "0.6"], check=True)

async def block_in_pipe():
    reader, writer = os.pipe()
    timer = threading.Timer(0.6, os.write, (writer, b"."))
    timer.start()
    os.read(reader, 1)
    timer.join()
    os.close(reader)
    os.close(writer)

async def block_in_socket():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        timer = threading.Timer(0.6, theirs.send, (b".",))
        timer.start()
        ours.recv(1)
        timer.join()

async def block_in_thread():
    thread = threading.Thread(target=time.sleep, args=(0.6,))
    thread.start()
    thread.join()

async def starve():
    cpu = min(os.sched_getaffinity(0))
    hog = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOG % cpu, stdout=asyncio.subprocess.PIPE
    )
    await hog.stdout.readline()
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    began = time.monotonic()
    hashlib.pbkdf2_hmac("sha256", b"", b"", 50_000)  # some milliseconds, without the GIL
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.sched_setaffinity(0, before)
    assert time.monotonic() - began > 0.4
    await hog.communicate()

async def wait_for_gil():
    usleep = ctypes.PyDLL(None).usleep
    thread = threading.Thread(target=lambda: [usleep(60_000) for _ in range(10)])
    thread.start()
    compute_for(0.05)
    await asyncio.to_thread(thread.join)

def compute_for(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass

async def compute():
    compute_for(0.6)

async def many():
    end = time.thread_time() + 0.5
    def step():
        sum(range(1000))
        if time.thread_time() < end:
            loop.call_soon(step)
        else:
            done.set_result(None)
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    for _ in range(10_000):
        step_once = loop.call_soon(sum, range(1000))
    step()
    await done

async def leave():
    forever.append(asyncio.create_task(asyncio.sleep(60), name="forgotten"))

async def dial(host):
    with pytest.raises(OSError):
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, 9)

async def datagram(address):
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        asyncio.DatagramProtocol, local_addr=("127.0.0.1", 0)
    )
    transport.sendto(b"", address)
    transport.close()
    await asyncio.sleep(0)

def test_good_runs(run):
    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: broken.append(context))
        task = asyncio.create_task(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.to_thread(time.sleep, 0.4)
        return 7
    broken = []
    assert run(main) == run(main(), loop="asyncio") == 7
    assert type(run(loop_class)) is uvloop.Loop
    assert not broken

async def loop_class():
    return asyncio.get_running_loop()

def test_good_many_callbacks(run): run(many); run(many, loop="asyncio")
def test_good_loopback(run): run(dial("127.0.0.1")); run(dial("localhost"), loop="asyncio")
def test_good_datagram(run):
    run(datagram(("127.0.0.1", 9)))
    run(datagram(("127.0.0.1", 9)), loop="asyncio")
def test_good_sendto():
    with socket.socket(type=socket.SOCK_DGRAM) as carrier, suppress(OSError):
        carrier.bind(("127.0.0.1", 0))  # from there the kernel sends nowhere else
        carrier.sendto(b"", ("192.0.2.1", 5353))
def test_good_confined():
    with socket.socket(type=socket.SOCK_DGRAM) as carrier, suppress(OSError):
        confine(carrier)
        carrier.sendto(b"", ("192.0.2.1", 9))
    primary_address()
def test_good_starved(run): run(starve)
def test_good_gil(run): run(wait_for_gil)
def test_good_signals():
    told = "from signal import *; print(SIG_IGN in map(getsignal, (SIGINT, SIGHUP)))"
    assert subprocess.check_output([sys.executable, "-c", told], text=True) == "False\n"

def test_bad_sleep(run): run(block)
def test_bad_naps(run): run(block_in_naps)
def test_bad_child_wait(run): run(block_in_child)
def test_bad_pipe(run): run(block_in_pipe)
def test_bad_socket_read(run): run(block_in_socket)
def test_bad_thread_join(run): run(block_in_thread)
def test_bad_sleep_asyncio(run): run(block, loop="asyncio")
def test_bad_sleep_plain(): asyncio.run(block())
def test_bad_computation(): uvloop.run(compute())
def test_bad_task(run): run(leave)
def test_bad_task_plain(): asyncio.run(leave())
def test_bad_thread():
    thread = threading.Thread(target=time.sleep, args=(3,), daemon=True, name="sleeper")
    thread.start()
def test_bad_socket(): forever.append(socket.create_server(("127.0.0.1", 0)))
def test_bad_file(): forever.append(open(__file__))
def test_bad_child(): forever.append(subprocess.Popen(["sleep", "3"]))
def test_bad_folder(): tempfile.mkdtemp()
def test_bad_dial(): asyncio.run(dial("192.0.2.1"))
def test_bad_dial_uvloop(): uvloop.run(dial("192.0.2.1"))
def test_bad_name(): asyncio.run(dial("xmpp.example.org"))
def test_bad_sendto():
    with socket.socket(type=socket.SOCK_DGRAM) as carrier, pytest.raises(OSError):
        carrier.sendto(b"", ("224.0.0.251", 5353))
def test_bad_look_up():
    async def main():
        import aiodns
        resolver = aiodns.DNSResolver()
        with pytest.raises(OSError):
            await resolver.query_dns("xmpp.example.org", "SRV")
        await resolver.close()
    asyncio.run(main())
'''


@pytest.mark.timeout(300)
def test_harness_fails_bad_tests_and_no_good_ones(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_suite.py").write_text(SUITE)

    run = subprocess.run(
        [*IN_BACKGROUND, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rpE", "-q"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    verdicts = [line.split() for line in run.stdout.splitlines() if "::test_" in line]
    tests = {part.partition("(")[0] for part in SUITE.split("def ") if part.startswith("test_")}
    bad = {name for name in tests if name.startswith("test_bad")}
    errors = {v[1].partition("::")[2] for v in verdicts if v[0] == "ERROR"}
    assert errors == bad, run.stdout
    for place in ("block (test_suite.py", "compute (test_suite.py"):
        assert place in run.stdout
    assert f"{len(tests)} passed" in run.stdout.splitlines()[-1], run.stdout


def test_a_run_that_is_ended_ends_what_its_tests_have_started(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from callboard.tests.conftest import *")
    (tmp_path / "test_it.py").write_text(WAITING)
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", "-q"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        started = next(line for line in process.stdout if line.startswith("started"))
        child = os.pidfd_open(int(started.split()[1]))
        try:
            process.terminate()
            process.communicate(timeout=30)
            assert select.select([child], [], [], 0)[0], "the test's program still runs"
        finally:
            os.close(child)


@pytest.mark.parametrize("base", [asyncio.SelectorEventLoop, uvloop.Loop])
def test_what_holds_a_loop_up_is_its_lateness(base: Any) -> None:
    held = 0

    class Held(base):  # type: ignore[misc]
        def time(self) -> float:
            return float(super().time()) + held

    async def main() -> float:
        nonlocal held
        await asyncio.sleep(2 * BEAT)
        before = lateness()
        held = 60
        await asyncio.sleep(2 * BEAT)
        return before

    with asyncio.Runner(loop_factory=Held) as runner:
        before = runner.run(main())
    # A minute is more than any machine holds a loop up by itself, and less than a main may take.
    assert before < 30 < lateness()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_main_that_waits_for_ever_is_ended(run: Run, loop: Literal["asyncio", "uvloop"]) -> None:
    ended = []

    async def main() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(loop)

    with watched_loops(0.1), pytest.raises(AssertionError, match=r"still waited after 0\.1 s"):
        run(main, loop=loop)
    assert ended == [loop]
