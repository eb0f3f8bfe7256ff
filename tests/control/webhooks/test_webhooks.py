"""Receivers on loopback, good ones and hostile ones, and what they are told of real calls."""

import asyncio
import json
import logging
import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.exchange import AccountChanged
from callboard.actors.runtime.backoff import Backoff
from callboard.bots.find import BUILT_IN
from callboard.cli.deployed import deployed
from callboard.cli.views.event import Event
from callboard.config import Settings
from callboard.config.metrics import ListenAddress, MetricsSettings
from callboard.config.webhook import WebhookSettings
from callboard.control.instance.instance import Instance
from callboard.control.metrics.monitoring import Monitoring
from callboard.control.webhooks import post, receiver
from callboard.control.webhooks.receiver import Receiver
from callboard.control.webhooks.signature import key_of
from callboard.control.webhooks.webhooks import Webhooks
from callboard.server.certificate import make_certificates
from callboard.tests.conftest import Run
from callboard.tests.control.webhooks.receiving import (
    PATIENCE,
    SECRET,
    babbling,
    closing,
    dripping,
    hostile,
    informing,
    rambling,
    receiving,
    silent,
)
from callboard.tests.test_docs import ROOT, programs

LOST, BACK = (
    AccountChanged("desk@localhost", "failed", "no"),
    AccountChanged("desk@localhost", "online"),
)


@pytest.fixture
def verify(tmp_path: Path) -> Callable[[str, Any, bytes], bool]:
    """The program of the page for receivers."""
    programs(ROOT / "docs" / "monitoring.md", tmp_path)
    names: dict[str, Any] = {}
    exec((tmp_path / "verify.py").read_text("utf-8"), names)
    found: Callable[[str, Any, bytes], bool] = names["verify"]
    return found


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time between two tries."""
    monkeypatch.setattr(receiver, "BACKOFF", Backoff(base=0.0))


def to(port: int, path: str = "/hook", **more: Any) -> WebhookSettings:
    url = f"{more.pop('scheme', 'http')}://{more.pop('host', '127.0.0.1')}:{port}{path}"
    return WebhookSettings.model_validate({"url": url, "secret": SECRET, **more})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - another thread does it
            await asyncio.sleep(0.005)


def outcomes(one: Receiver) -> dict[str, int]:
    return {name: count for name, count in one.outcomes.items() if count}


def test_an_event_is_sent_signed(run: Run, verify: Callable[[str, Any, bytes], bool]) -> None:
    with receiving() as found:

        async def main() -> None:
            webhooks = await Webhooks.started([to(found.port, "/hook?key=%20")])
            webhooks.hear(LOST)
            await webhooks.close()
            assert outcomes(webhooks.receivers[0]) == {"delivered": 1}

        run(main)
    [(path, headers, body)] = [(one.path, one.headers, one.body) for one in found.deliveries]
    assert path == "/hook?key=%20"
    assert headers["host"] == f"127.0.0.1:{found.port}"
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("callboard/")
    event = json.loads(body)
    assert event.pop("time").endswith("Z")
    assert event == {
        "type": "account-lost", "event": "AccountChanged", "jid": "desk@localhost",
        "state": "failed", "detail": "no",
    }  # fmt: skip
    assert verify(SECRET, headers, body)
    assert not verify("another one", headers, body)
    assert not verify(SECRET, headers, body + b" ")
    assert not verify(SECRET, {**headers, "webhook-id": "msg_1"}, body)
    old = str(int(headers["webhook-timestamp"]) - 1000)
    assert not verify(SECRET, {**headers, "webhook-timestamp": old}, body)


def test_a_secret_may_be_written_as_libraries_have_it() -> None:
    assert key_of("whsec_c2VzYW0=") == b"sesam"
    assert key_of("whsec_no base64") == b"whsec_no base64"
    assert key_of("sesam öffne dich") == "sesam öffne dich".encode()


@pytest.mark.usefixtures("at_once")
def test_it_is_sent_again_until_it_is_taken_and_keeps_its_name(
    run: Run, verify: Callable[[str, Any, bytes], bool], caplog: pytest.LogCaptureFixture
) -> None:
    answers = [500, 503, 429, 408, 425, 200]
    with receiving(lambda count: answers[count - 1]) as found:

        async def main() -> None:
            webhooks = await Webhooks.started([to(found.port)])
            webhooks.hear(LOST)
            await until(lambda: webhooks.receivers[0].outcomes["delivered"] == 1)
            await webhooks.close()

        with caplog.at_level(logging.INFO):
            run(main)
    assert len(found.deliveries) == len(answers)
    assert len({one.headers["webhook-id"] for one in found.deliveries}) == 1
    assert len({one.body for one in found.deliveries}) == 1
    assert all(verify(SECRET, one.headers, one.body) for one in found.deliveries)
    assert f"webhook 127.0.0.1:{found.port} answers with status 500" in caplog.text
    assert "takes events again" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 404, 410, 413])
def test_what_will_never_be_taken_is_not_sent_again(
    run: Run, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving(lambda _: status) as found:

        async def main() -> None:
            webhooks = await Webhooks.started([to(found.port)])
            webhooks.hear(LOST)
            await until(lambda: webhooks.receivers[0].outcomes["refused"] == 1)
            await webhooks.close()

        run(main)
    assert [one.path for one in found.deliveries] == ["/hook"]
    assert ("redirects" in caplog.text) == (status < 400)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (silent, "has not answered within 2 s"),
        (dripping, "has not answered within 2 s"),
        (informing, "has not answered within 2 s"),
        (closing, "does not answer in HTTP/1.1|can't be reached"),
        (rambling, "does not answer in HTTP/1.1"),
        (babbling, "does not answer in HTTP/1.1"),
    ],
)
def test_a_hostile_receiver_costs_only_itself(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    behave: Callable[[socket.socket], None],
    words: str,
) -> None:
    monkeypatch.setattr(post, "DEADLINE", 2.0)  # the good one has to keep it too
    monkeypatch.setattr(receiver, "TRIES", 2)
    with hostile(behave) as port, receiving() as good:

        async def main() -> None:
            webhooks = await Webhooks.started([to(port), to(good.port)])
            webhooks.hear(LOST)
            bad, fine = webhooks.receivers
            await until(lambda: bool(outcomes(bad) and outcomes(fine)))
            assert (outcomes(bad), outcomes(fine)) == ({"expired": 1}, {"delivered": 1})
            await webhooks.close()

        run(main)
    said = {one.getMessage() for one in caplog.records if str(port) in one.getMessage()}
    assert said
    assert all(any(word in one for word in words.split("|")) for one in said)


def test_a_large_answer_is_not_read(run: Run) -> None:
    with receiving(lambda _: 200, body=b"x" * (16 << 20)) as found:

        async def main() -> None:
            webhooks = await Webhooks.started([to(found.port)])
            webhooks.hear(LOST)
            await webhooks.close()
            assert outcomes(webhooks.receivers[0]) == {"delivered": 1}

        run(main)


def test_the_oldest_is_dropped_when_too_many_wait(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "MOST_PENDING", 3)
    monkeypatch.setattr(receiver, "BACKOFF", Backoff(base=1000.0, cap=1000.0, least=1.0))
    is_up = False
    with receiving(lambda _: 200 if is_up else 503) as found:

        async def main() -> None:
            nonlocal is_up
            webhooks = await Webhooks.started([to(found.port)])
            [one] = webhooks.receivers
            for _ in range(3):
                webhooks.hear(LOST)
                webhooks.hear(BACK)
            await until(lambda: one.outcomes["dropped"] == 3 and one.pending == 3)
            [(_, look)] = webhooks.parts()
            assert "0 delivered, 3 waiting, 3 dropped" in look().detail
            is_up = True
            await webhooks.close()
            assert outcomes(one) == {"delivered": 3, "dropped": 3}

        run(main)
    types = [json.loads(one.body)["type"] for one in found.deliveries[-3:]]
    assert sorted(types) == ["account-back", "account-back", "account-lost"]


def test_what_can_not_be_delivered_before_the_end_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(receiver, "BACKOFF", Backoff(base=1000.0, cap=1000.0, least=1.0))
    with socket.create_server(("127.0.0.1", 0)) as refusing, hostile(silent) as port:
        gone = refusing.getsockname()[1]
        refusing.close()

        async def main() -> None:
            webhooks = await Webhooks.started([to(gone), to(port)])
            webhooks.hear(LOST)
            webhooks.hear(BACK)
            await webhooks.close(seconds=0.5)
            assert [outcomes(one) for one in webhooks.receivers] == [{"unsent": 2}] * 2

        run(main)
    assert f"webhook 127.0.0.1:{gone}: 2 events were not delivered before the end" in caplog.text
    assert f"webhook 127.0.0.1:{port}: 2 events were not delivered before the end" in caplog.text


def test_only_what_a_receiver_wants_is_sent(run: Run) -> None:
    with receiving() as found:

        async def main() -> None:
            wanted = [to(found.port, "/a", events=["account-back"]), to(found.port, "/b")]
            webhooks = await Webhooks.started(wanted)
            assert [one.name for one in webhooks.receivers] == [
                f"127.0.0.1:{found.port}", f"127.0.0.1:{found.port} (2)"
            ]  # fmt: skip
            for event in (LOST, BACK):
                webhooks.hear(event)
            await webhooks.close()

        run(main)
    told = sorted((one.path, json.loads(one.body)["type"]) for one in found.deliveries)
    assert told == [("/a", "account-back"), ("/b", "account-back"), ("/b", "account-lost")]


def test_a_thread_that_hangs_lets_nothing_heap_up(run: Run) -> None:
    with receiving() as found:

        async def main() -> None:
            webhooks = await Webhooks.started([to(found.port)])
            webhooks._side.call(time.sleep, 0.2)
            for _ in range(receiver.MOST_PENDING):
                webhooks.hear(LOST)
                webhooks.hear(BACK)
            assert len(webhooks._handed) <= receiver.MOST_PENDING
            await webhooks.close(seconds=0.1)

        run(main)


@pytest.mark.parametrize("known", [True, False])
def test_its_certificate_is_verified(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, known: bool
) -> None:
    certificates = make_certificates("localhost")
    (tmp_path / "server.pem").write_text(certificates.chain + certificates.key)
    trusted = certificates if known else make_certificates("localhost")
    (tmp_path / "ca.pem").write_text(trusted.authority)
    with receiving(certificate=tmp_path / "server.pem") as found:

        async def main() -> dict[str, int]:
            wanted = to(found.port, scheme="https", host="localhost", ca=tmp_path / "ca.pem")
            webhooks = await Webhooks.started([wanted])
            webhooks.hear(LOST)
            await webhooks.close()
            return outcomes(webhooks.receivers[0])

        assert run(main) == ({"delivered": 1} if known else {"unsent": 1})
    assert len(found.deliveries) == int(known)
    assert ("has a certificate that is not trusted" in caplog.text) == (not known)


def test_calls_over_a_server_are_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = {"to": "desk@localhost", "video": "none", "seconds": 1}
    settings = Settings.model_validate(
        {
            "recordings": tmp_path,
            "drain": 0,
            "accounts": [
                {"jid": "desk@localhost", "password": "s3", "bot": "recorder"},
                {"jid": "alice@localhost", "password": "s3", "bot": "caller", "options": call},
            ],
        }
    )
    instances: list[Instance] = []
    monitorings: list[Monitoring] = []
    for kind, made in ((Instance, instances), (Monitoring, monitorings)):
        monkeypatch.setattr(kind, "__init__", noting(kind, made))
    metrics = MetricsSettings(address=ListenAddress("127.0.0.1", 0))

    with receiving() as found:

        async def main() -> None:
            events: list[Event] = []
            see, hooks = events.append, [to(found.port)]
            async with deployed(settings, BUILT_IN, tmp_path, see, metrics=metrics, webhooks=hooks):
                await asyncio.to_thread(found.until, 5)
                name = f"webhook 127.0.0.1:{found.port}"
                await until(lambda: parts(instances[0]).get(name) == "5 delivered, 0 waiting")
                page = await asyncio.to_thread(read, monitorings[0].url)
                receiver = f'receiver="127.0.0.1:{found.port}"'
                assert f'outcome="delivered",{receiver}}} 5.0' in page
                assert f"callboard_webhook_waiting{{{receiver}}} 0.0" in page

        run(main)
    told = [json.loads(one.body) for one in found.deliveries]
    kinds = {
        kind: [one for one in told if one["type"] == kind] for one in told for kind in [one["type"]]
    }
    assert {kind: len(events) for kind, events in kinds.items()} == {
        "call-started": 2, "call-ended": 2, "recording-ready": 1
    }  # fmt: skip
    records = {one["account"]: one for one in kinds["call-ended"]}
    [ready] = kinds["recording-ready"]
    desk = records["desk@localhost"]
    assert ready["call"]["uuid"] == desk["uuid"]
    assert ready["path"] == desk["recordings"][0]["path"]
    assert Path(ready["path"]).stat().st_size == ready["bytes"]
    assert {one["account"] for one in kinds["call-started"]} == set(records)
    assert len({one.headers["webhook-id"] for one in found.deliveries}) == 5


def noting(kind: type, made: list[Any]) -> Callable[..., None]:
    """The class's own __init__, which notes what it makes."""
    real: Callable[..., None] = kind.__init__  # type: ignore[misc]

    def init(self: Any, *arguments: Any, **named: Any) -> None:
        real(self, *arguments, **named)
        made.append(self)

    return init


def parts(instance: Instance) -> dict[str, str]:
    return {part.name: part.detail for part in instance.status(0).parts}


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        text: str = answer.read().decode()
        return text


def test_nothing_secret_is_in_a_repr() -> None:
    settings = to(1, "/a-secret-path")
    assert SECRET not in repr(settings)
    assert "a-secret-path" not in repr(settings)
