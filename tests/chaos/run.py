"""Kill, cut, fill and attack while calls go on, then count: ``script/chaos --rounds 100``."""

import argparse
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

from callboard.media import UnplayableError, inspect
from callboard.tests.chaos.disturbances import DISTURBANCES, SHARES
from callboard.tests.chaos.program import Program
from callboard.tests.chaos.world import World

INSIDE = "CALLBOARD_CHAOS_INSIDE"
"""Set in the namespaces of our own, in which addresses and file systems are ours to change."""

PLAYABLE = (".mka", ".mkv", ".webm", ".ogg", ".wav")
"""How the names of recordings end."""


def main() -> int:
    """Do it, and print one line; return 0 if nothing was lost or left over."""
    parser = argparse.ArgumentParser(description=__doc__, prog="script/chaos")
    parser.add_argument(
        "--rounds", type=int, default=100, help="kills of server and program each (%(default)s)"
    )
    parser.add_argument("--only", choices=DISTURBANCES, help="only this disturbance")
    parser.add_argument("--seed", type=int, help="of the chance; given again, the same is tried")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and recordings there")
    given = parser.parse_args()
    if INSIDE not in os.environ:
        _enter()
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        # Under nohup the programs would ignore it as well; a handler of ours they don't inherit.
        signal.signal(signal.SIGHUP, lambda *_: None)
    seed = secrets.randbits(32) if given.seed is None else given.seed
    folder = Path(tempfile.mkdtemp(prefix="chaos-")) if given.keep is None else given.keep
    folder.mkdir(exist_ok=True)
    temporary = folder / "tmp"
    temporary.mkdir()
    os.environ["TMPDIR"] = str(temporary)
    try:
        return _chaos(World(folder, seed), _plan(given.rounds, given.only), seed, temporary)
    finally:
        if given.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


def _enter() -> None:
    """Go on in a network and a file system of our own; does not return."""
    program = shutil.which("unshare")
    if program is None:
        sys.exit("script/chaos: unshare is missing: install util-linux")
    more = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.environ[INSIDE] = "1"
    words = [program, *more, "--net", "--mount", sys.executable, "-P", "-m", __spec__.name]
    os.execv(program, [*words, *sys.argv[1:]])


def _plan(rounds: int, only: str | None) -> list[str]:
    if only is not None:
        return [only] * rounds
    return [
        name for name in DISTURBANCES for _ in range(max(1, round(rounds * SHARES.get(name, 0.2))))
    ]


def _chaos(world: World, plan: list[str], seed: int, temporary: Path) -> int:
    began = time.monotonic()
    world.chance.shuffle(plan)
    try:
        world.start()
        done, wrong = _disturb(world, plan)
        try:
            wrong += [f"a program ended with {status}" for status in world.stop() if status]
        except RuntimeError as error:
            wrong.append(f"at the end: {error}")
    finally:
        world.close()
    counted, lost = _count(world)
    wrong += lost
    wrong += [f"left over: {path}" for path in sorted(temporary.iterdir())]
    wrong += _sockets()
    for sentence in wrong:
        print(f"chaos: {sentence}")
    print(
        f"chaos: {'failed' if wrong else 'passed'}: "
        + ", ".join(f"{count} {name}" for name, count in sorted(done.items()))
        + f"; {counted['begun']} calls begun, {counted['recorded']} recorded, "
        f"{counted['repeated']} of them repeated by the server after a kill; "
        f"{counted['playable']} of {counted['files']} recordings playable; "
        f"{len(wrong)} faults; seed {seed}; {(time.monotonic() - began) / 60:.1f} min"
    )
    return 1 if wrong else 0


def _disturb(world: World, plan: list[str]) -> tuple[Counter[str], list[str]]:
    """Do what is planned until Ctrl-C; return how often each was done, and what went wrong."""
    done: Counter[str] = Counter()
    wrong: list[str] = []
    for number, name in enumerate(plan, 1):
        before = time.monotonic()
        try:
            DISTURBANCES[name](world)
        except RuntimeError as error:
            wrong.append(f"{name}: {error}")
            world.revive()
        except KeyboardInterrupt:
            world.revive()
            print("chaos: ended early; counting", file=sys.stderr)
            break
        done[name] += 1
        took = time.monotonic() - before
        print(f"chaos: {number} of {len(plan)}: {name} ({took:.1f} s)", file=sys.stderr)
    return done, wrong


def _count(world: World) -> tuple[Counter[str], list[str]]:
    """Count calls, records and recordings of both programs; return what is wrong with some, too."""
    counted: Counter[str] = Counter()
    wrong: list[str] = []
    for program in world.programs:
        calls = _records(world, program)
        for key, reasons in calls.items():
            # A server repeats a proposal that a killed program had not acknowledged, to the next
            # one: that is another call, which has the same id.
            killed = reasons.count("general-error")
            counted["repeated"] += len(reasons) > 1
            if len(reasons) - killed > 1:
                wrong.append(f"{key} has {len(reasons)} records")
        wrong += [f"{key} is in no record" for key in sorted(program.begun - set(calls))]
        found, playable, bad = _play(program.file.stem, world.recordings(program))
        wrong += bad
        counted.update(
            begun=len(program.begun),
            recorded=len(calls),
            files=found,
            playable=playable,
        )
    return counted, wrong


def _records(world: World, program: Program) -> dict[tuple[str, str], list[str]]:
    """Return the reasons in the records of each call, as (account, id)."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    file = world.recordings(program) / "calls.jsonl"
    for line in file.read_text("utf-8").splitlines():
        record = json.loads(line)
        found[record["account"], record["id"]].append(record["reason"])
    return found


def _play(name: str, folder: Path) -> tuple[int, int, list[str]]:
    """Play every recording; return how many there are, how many play, and what is wrong."""
    files, wrong = [], []
    named = {
        recording["path"]
        for line in (folder / "calls.jsonl").read_text("utf-8").splitlines()
        for recording in json.loads(line)["recordings"]
    }
    for path in sorted(folder.iterdir()):
        if path.suffix in PLAYABLE:
            files.append(path)
            if str(path) not in named:
                wrong.append(f"{name}: {path.name} is in no record")
        elif path.name != "calls.jsonl":
            wrong.append(f"left over: {name}: {path.name}")
    playable = 0
    for path in files:
        try:
            tracks = inspect(path).tracks
        except UnplayableError as error:
            wrong.append(str(error))
        else:
            playable += bool(tracks)
            wrong += [] if tracks else [f"{path.name} has no track"]
    return len(files), playable, wrong


def _sockets() -> list[str]:
    """Name what sockets are still open in our network."""
    found = []
    for kind in ("udp", "tcp"):
        for line in Path(f"/proc/self/net/{kind}").read_text("ascii").splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            if kind == "udp" or state == "0A":
                found.append(f"left over: a {kind} socket at {local}")
    return found


if __name__ == "__main__":
    sys.exit(main())
