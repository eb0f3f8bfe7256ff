"""A running instance with calls, as Prometheus and probes see it."""

import asyncio
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from callboard.actors.messages.exchange import AccountChanged
from callboard.bots.find import BUILT_IN
from callboard.cli.deployed import deployed
from callboard.cli.views.event import Event
from callboard.config import Settings
from callboard.config.metrics import ListenAddress, MetricsSettings
from callboard.control.metrics.health import Health
from callboard.control.metrics.monitoring import Monitoring
from callboard.control.metrics.recordings_on_disk import RecordingsOnDisk
from callboard.load.scrape.http_server import HttpAnswer
from callboard.tests.conftest import Run
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families as classic

#: Reads OpenMetrics; it has no types.
strict: Callable[[str], Iterator[Metric]] = openmetrics.text_string_to_metric_families
PATIENCE = 60.0
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def fetched(port: int, path: str, accept: str = "*/*") -> tuple[int, str, str]:
    """The status, the media type and the text of a page."""
    wanted = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(wanted, timeout=PATIENCE) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


async def get(port: int, path: str, accept: str = "*/*") -> tuple[int, str, str]:
    return await asyncio.to_thread(fetched, port, path, accept)


@asynccontextmanager
async def monitored(declared: Settings, jids: list[str]) -> AsyncIterator[Monitoring]:
    """Metrics and health of an exchange that stands, and is told what the test says."""
    monitoring = Monitoring(
        free_port(declared),
        declared,
        declared=lambda: jids,
        stands=lambda: True,
        ending=lambda: False,
    )
    try:
        yield monitoring
    finally:
        await monitoring.close()


def settings(folder: Path, ready: str = "all", accounts: int = 2) -> Settings:
    call = {"to": "desk@localhost", "seconds": 2}
    bots = [
        {"jid": "desk@localhost", "password": "s3", "bot": "recorder"},
        {"jid": "alice@localhost", "password": "s3", "bot": "caller", "options": call},
    ]
    return Settings.model_validate(
        {
            "recordings": folder,
            "metrics": {"address": 1, "ready": ready, "accounts": True},
            "drain": 0,
            "accounts": bots[:accounts],
        }
    )


def free_port(declared: Settings) -> MetricsSettings:
    """The same with whatever port is free."""
    assert declared.metrics is not None
    return declared.metrics.model_copy(update={"address": ListenAddress("127.0.0.1", 0)})


@pytest.fixture
def monitorings(monkeypatch: pytest.MonkeyPatch) -> list[Monitoring]:
    """Those that are made, to learn their ports."""
    made: list[Monitoring] = []
    real = Monitoring.__init__

    def init(self: Monitoring, *arguments: object, **named: object) -> None:
        real(self, *arguments, **named)  # type: ignore[arg-type]
        made.append(self)

    monkeypatch.setattr(Monitoring, "__init__", init)
    return made


BASE_UNITS = ("_seconds", "_bytes", "_ratio", "_total", "_info", "_mos", "_fds", "_files")
OTHER_UNITS = re.compile(r"_(ms|millis\w*|minutes|hours|percent|kb|mb|kilo\w*|mega\w*|mebi\w*)\b")
PLAIN = {"callboard_calls", "callboard_accounts", "callboard_account_online"}


def badly_named(families: list[Metric]) -> Iterator[str]:
    """What promtool would object to (https://prometheus.io/docs/practices/naming)."""
    for one in families:
        name = one.name + {"counter": "_total", "info": "_info"}.get(one.type, "")
        if not re.fullmatch(r"(callboard|process)_[a-z][a-z_]*[a-z]", name):
            yield f"{name}: begins otherwise, or has other characters"
        if OTHER_UNITS.search(name) or (not name.endswith(BASE_UNITS) and name not in PLAIN):
            yield f"{name}: no base unit"
        if one.type != "counter" and name.endswith("_total"):
            yield f"{name}: only counters are totals"
        if any(part in name for part in ("_gauge", "_counter", "_histogram")):
            yield f"{name}: its type is in its name"
        if not one.documentation.endswith("."):
            yield f"{name}: no sentence says what it is"
        labels = {label for sample in one.samples for label in sample.labels}
        if not labels <= {*_LABELS, "le"}:
            yield f"{name}: labels {labels}"


_LABELS = {"state", "direction", "phase", "reason", "step", "kind", "account", "version", "python"}


def test_calls_over_a_server_are_seen(
    run: Run, tmp_path: Path, monitorings: list[Monitoring]
) -> None:
    declared = settings(tmp_path)
    pages: dict[str, tuple[int, str, str]] = {}

    async def main() -> None:
        connected, over = asyncio.Event(), asyncio.Event()
        records: list[str] = []

        def see(event: Event) -> None:
            if getattr(event, "phase", "") == "connected":
                connected.set()
            if type(event).__name__ == "CallRecord":
                records.append(str(event))
                if len(records) == 2:
                    over.set()

        async with deployed(
            declared, BUILT_IN, tmp_path, see, metrics=free_port(declared)
        ) as deployment:
            port = monitorings[0].port
            await asyncio.wait_for(connected.wait(), PATIENCE)
            pages["during"] = await get(port, "/metrics")
            pages["ready"] = await get(port, "/readyz")
            pages["alive"] = await get(port, "/healthz")
            await asyncio.wait_for(over.wait(), PATIENCE)
            pages["after"] = await get(port, "/metrics", OPENMETRICS)
            deployment.stop()
            pages["ending"] = await get(port, "/readyz")

    run(main)
    assert {name: pages[name][0] for name in ("ready", "alive", "ending")} == {
        "ready": 200, "alive": 200, "ending": 503
    }  # fmt: skip
    assert pages["ending"][2] == "It is ending: no new calls are taken.\n"
    assert pages["during"][1].startswith("text/plain; version=0.0.4")
    assert pages["after"][1].startswith("application/openmetrics-text")
    during = list(classic(pages["during"][2]))
    after = list(strict(pages["after"][2]))
    assert not [*badly_named(after)]
    now, then = values(during), values(after)
    assert now["callboard_accounts", "online"] == 2
    assert now["callboard_account_online", "desk@localhost"] == 1
    assert sum(value for key, value in now.items() if key[0] == "callboard_calls") == 2
    assert sum(value for key, value in then.items() if key[0] == "callboard_calls") == 0
    assert then["callboard_account_logins_total",] == 2
    for direction in ("in", "out"):
        assert then["callboard_calls_ended_total", direction, "success", "completed"] == 1
        assert then["callboard_call_setup_seconds_count", direction] == 1
        assert then["callboard_call_step_seconds_count", direction, "dtls"] == 1
        assert 1 < then["callboard_call_duration_seconds_sum", direction] < PATIENCE
    sent, received, lost = (
        then["callboard_rtp_packets_total", "sent", "audio"],
        then["callboard_rtp_packets_total", "received", "audio"],
        then["callboard_rtp_packets_lost_total", "audio"],
    )
    assert 100 < received + lost <= sent
    assert then["callboard_call_mos_count", "audio"] == 2
    assert then["callboard_loop_lag_seconds_count",] > now["callboard_loop_lag_seconds_count",]
    assert then["process_resident_memory_bytes",] > 1 << 20
    assert then["process_open_fds",] > 3
    assert "callboard_recording_files" in {family.name for family in after}


def values(families: list[Metric]) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels, these by the names of the labels."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("ready", "online", "status"),
    [
        ("any", 0, 503), ("any", 1, 200), ("all", 4, 503), ("all", 5, 200),
        ("50%", 2, 503), ("50%", 3, 200), ("100%", 4, 503), ("1%", 1, 200), ("1%", 0, 503),
    ],
)  # fmt: skip
def test_it_is_ready_as_the_file_demands(
    run: Run, tmp_path: Path, ready: str, online: int, status: int
) -> None:
    entry = {"jid": "desk-{1..5}@localhost", "password": "s3", "bot": "silent"}
    jids = [f"desk-{number}@localhost" for number in range(1, 6)]
    declared = Settings.model_validate(
        {
            "recordings": tmp_path,
            "metrics": {"address": 1, "ready": ready},
            "accounts": [{**entry, "jid": jid} for jid in jids],
        }
    )

    async def main() -> tuple[int, str, str]:
        async with monitored(declared, jids) as monitoring:
            for jid in jids[:online]:
                monitoring.hear(AccountChanged(jid, "online"))
            return await get(monitoring.port, "/readyz")

    found, _, text = run(main)
    assert found == status
    assert text.startswith("ok" if status == 200 else f"{online} of 5 accounts are online")


def test_only_what_is_declared_now_has_to_be_online(run: Run, tmp_path: Path) -> None:
    """A reload removes one that was never online, and another one is a bot's own."""
    declared = settings(tmp_path)
    jids = [one.bare_jid for one in declared.accounts]

    async def main() -> list[int]:
        async with monitored(declared, jids) as monitoring:
            for jid in (jids[0], "guest@localhost"):
                monitoring.hear(AccountChanged(jid, "online"))
            found = [(await get(monitoring.port, "/readyz"))[0]]
            monitoring.hear(AccountChanged(jids.pop(), "ended"))
            found.append((await get(monitoring.port, "/readyz"))[0])
            return found

    assert run(main) == [503, 200]


@pytest.mark.parametrize("path", ["alive", "ready"])
@pytest.mark.parametrize(
    ("stands", "blocked", "status", "words"),
    [
        (True, False, 200, b"ok"),
        (False, False, 503, b"The exchange does not run"),
        (True, True, 503, b"The event loop has not answered"),
    ],
)
def test_it_is_alive_while_its_loop_answers_and_the_exchange_stands(
    run: Run, path: str, stands: bool, blocked: bool, status: int, words: bytes
) -> None:
    async def main() -> None:
        health = Health(lambda: stands, lambda: None, patience=0.05 if blocked else PATIENCE)
        probe: Callable[[str], object] = getattr(health, path)
        answered = threading.Event()
        found: list[HttpAnswer] = []

        def ask() -> None:
            found.extend(asyncio.run(probe("")) for _ in range(2))  # type: ignore[arg-type]
            answered.set()

        thread = threading.Thread(target=ask)
        thread.start()
        if blocked:
            assert answered.wait(0.2)  # on the loop that is looked at
        await asyncio.to_thread(thread.join)
        assert [one.status for one in found] == [status] * 2
        assert found[0].body.startswith(words)

    run(main)


def test_recordings_are_counted_as_they_come_and_go(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    registry = CollectorRegistry(auto_describe=False)

    def seen(files: dict[str, int]) -> bool:
        found = values(list(registry.collect()))
        return {state: found.get(("callboard_recording_files", state)) for state in files} == files

    count = RecordingsOnDisk(registry, folder, every=0.01)
    try:
        eventually(lambda: seen({"whole": 0, "unfinished": 0}))
        folder.mkdir()
        for name in ("a.mkv", "b.ogg", "c.wav.part", "calls.jsonl", "d.mkv.txt"):
            (folder / name).write_bytes(b"12345")
        (folder / "e.mka").symlink_to(folder / "nothing")
        eventually(lambda: seen({"whole": 3, "unfinished": 1}))
        assert values(list(registry.collect()))["callboard_recording_bytes", "unfinished"] == 5
        assert values(list(registry.collect()))["callboard_recording_free_bytes",] > 0
        (folder / "a.mkv").unlink()
        eventually(lambda: seen({"whole": 2, "unfinished": 1}))
    finally:
        count.close()


def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
