"""What an account does when its server ends the stream: every condition of RFC 6120 §4.9.3."""

import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element

import pytest
from callboard.actors import contacts, login_session
from callboard.actors.messages.exchange import AccountChanged
from callboard.actors.runtime.backoff import Backoff
from callboard.actors.xmpp.login import BIND
from callboard.actors.xmpp.stanza import STANZAS
from callboard.actors.xmpp.stream import Stream
from callboard.actors.xmpp.stream_end import CONDITIONS, Remedy, read_address
from callboard.bots.find import BUILT_IN
from callboard.cli.deployed import deployed
from callboard.config import Settings
from callboard.tests.conftest import Run
from callboard.tests.live.asker import Asker
from callboard.tests.live.stage import ALICE, BOB, PASSWORD, Puppet, Stage, staged
from callboard.tests.live.staged_server import (
    CLOSED,
    HEADER,
    Line,
    StagedServer,
    program,
    stream_error,
)
from callboard.tests.live.test_login import closed_port

AGAIN, LATER, STOPS = "in seconds", "in minutes", "not at all"
#: Condition → what follows if it ends a login, and if it ends a session.
FOLLOWS = {
    "bad-format": (AGAIN, AGAIN),
    "bad-namespace-prefix": (AGAIN, AGAIN),
    "conflict": (AGAIN, AGAIN),  # once: see below
    "connection-timeout": (AGAIN, AGAIN),
    "host-gone": (LATER, LATER),
    "host-unknown": (STOPS, LATER),
    "improper-addressing": (AGAIN, AGAIN),
    "internal-server-error": (AGAIN, AGAIN),
    "invalid-from": (AGAIN, AGAIN),
    "invalid-namespace": (AGAIN, AGAIN),
    "invalid-xml": (AGAIN, AGAIN),
    "not-authorized": (LATER, LATER),
    "not-well-formed": (AGAIN, AGAIN),
    "policy-violation": (LATER, LATER),
    "remote-connection-failed": (AGAIN, AGAIN),
    "reset": (AGAIN, AGAIN),
    "resource-constraint": (LATER, LATER),
    "restricted-xml": (AGAIN, AGAIN),
    "see-other-host": (AGAIN, AGAIN),  # without an address: see below
    "system-shutdown": (AGAIN, AGAIN),
    "undefined-condition": (AGAIN, AGAIN),
    "unsupported-encoding": (STOPS, LATER),
    "unsupported-feature": (STOPS, LATER),
    "unsupported-stanza-type": (AGAIN, AGAIN),
    "unsupported-version": (STOPS, LATER),
}


def test_every_condition_has_its_place_in_the_table() -> None:
    assert CONDITIONS.keys() == FOLLOWS.keys()


class Ending(StagedServer):
    """Ends each stream with the same words.

    Args:
        folder: where its certificates go.
        words: what it says, made when it is said.
        early: whether it says it in the place of features.
    """

    def __init__(self, folder: Path, words: Callable[[], str], *, early: bool = False) -> None:
        super().__init__(folder)
        self._words = words
        self._early = early

    def on_header(self, line: Line) -> None:
        if self._early:
            line.say(HEADER + self._words())
        else:
            super().on_header(line)

    def on_session(self, line: Line) -> None:
        line.say(self._words())


def follows(event: AccountChanged) -> str:
    """Return what an account does next, by what it reports."""
    if event.state == "failed":
        return STOPS
    wait = re.search(r"next try in ([0-9.]+) s$", event.detail)
    assert wait is not None, event
    return AGAIN if float(wait[1]) <= 1 else LATER if float(wait[1]) >= 60 else event.detail


async def ended(stage: Stage) -> AccountChanged:
    return await stage.until(AccountChanged, lambda e: e.state in ("waiting", "failed"))


@pytest.mark.parametrize("early", [True, False], ids=["login", "session"])
@pytest.mark.parametrize("condition", FOLLOWS)
def test_each_condition_has_its_consequence(
    run: Run, tmp_path: Path, condition: str, early: bool
) -> None:
    async def main() -> None:
        async with (
            Ending(tmp_path / "server", lambda: stream_error(condition), early=early) as server,
            program(server, tmp_path) as stage,
        ):
            event = await ended(stage)
            assert follows(event) == FOLLOWS[condition][0 if early else 1]
            assert condition in event.detail or condition == "host-unknown"
            assert "closed the stream: " not in event.detail

    run(main)


_HOME = "xmlns='urn:ietf:params:xml:ns:xmpp-streams'"


@pytest.mark.parametrize(
    "words",
    [
        "<stream:error/>",
        f"<stream:error><made-up {_HOME}/></stream:error>",
        "<stream:error><reset xmlns='urn:other'/></stream:error>",
        f"<stream:error><text {_HOME}>a&#10;b</text><reset {_HOME}/></stream:error>",
        CLOSED,
        "<stream:error>",
        "&#0;",
        "<?xml version='1.0' encoding='utf-7'?>",
        "<x>" * 500,
    ],
)
@pytest.mark.parametrize("early", [True, False], ids=["login", "session"])
def test_an_end_that_can_not_be_read_is_one_all_the_same(
    run: Run, tmp_path: Path, words: str, early: bool
) -> None:
    async def main() -> None:
        async with (
            Ending(tmp_path / "server", lambda: words + CLOSED, early=early) as server,
            program(server, tmp_path) as stage,
        ):
            event = await ended(stage)
            assert event.state == "waiting"
            assert "\n" not in event.detail
            assert ("(reset" in event.detail) == ("<text" in words)

    run(main)


@pytest.mark.parametrize("lasting", [True, False])
def test_waits_grow_until_a_session_has_lasted(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lasting: bool
) -> None:
    backoff = Backoff(base=0.1, cap=60, least=1.0, stable=0.0 if lasting else 60.0)
    monkeypatch.setitem(login_session.BACKOFFS, Remedy.AGAIN, backoff)

    async def main() -> None:
        async with (
            Ending(tmp_path / "server", lambda: stream_error("reset")) as server,
            program(server, tmp_path) as stage,
        ):
            await server.until(lambda: len(server.sessions) == 4)
            await stage.until(AccountChanged, lambda _: len(waits(stage)) == 4)
            expected = ["0.1"] * 4 if lasting else ["0.1", "0.2", "0.4", "0.8"]
            assert waits(stage) == expected

    run(main)


def waits(stage: Stage) -> list[str]:
    details = [one.detail for one in stage.all(AccountChanged) if one.state == "waiting"]
    return [detail.rpartition("next try in ")[2].removesuffix(" s") for detail in details]


# -- conflict --------------------------------------------------------------------------------------


def test_two_programs_with_one_resource_do_not_push_each_other_out(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [f"{ALICE}/desk", BOB]) as stage:
            other = Stage(stage.prosody, tmp_path / "other")
            puppet = type("Puppet", (Puppet,), {"stage": other})
            address = {"host": stage.prosody.address, "port": stage.prosody.port}
            settings = Settings.model_validate(
                {
                    "server": {**address, "ca": stage.prosody.certificate},
                    "recordings": other.folder,
                    "call_log": other.folder / "calls.jsonl",
                    "media": {"addresses": ["127.0.0.1"]},
                    "accounts": [
                        {"jid": f"{ALICE}/desk", "password": PASSWORD, "bot": "puppet"},
                    ],
                }
            )
            classes = {**BUILT_IN, "puppet": puppet}
            async with deployed(settings, classes, other.folder, other.see) as other.deployment:
                await other.online(ALICE)
                event = await stage.state(ALICE, "failed")
                assert "another program" in event.detail
                assert "(desk)" in event.detail
                assert "resource of its own" in event.detail
                # Had either tried again, one of them would have been pushed out by now.
                await stage.puppets[BOB].call(f"{ALICE}/desk")
                await other.ringing(ALICE)
                states = [[e.state for e in one.all(AccountChanged) if e.jid == ALICE]
                          for one in (stage, other)]  # fmt: skip
                assert states == [["connecting", "online", "failed"], ["connecting", "online"]]

    run(main)


def test_a_resource_that_nobody_declared_is_changed_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(login_session.BACKOFFS, Remedy.AGAIN, Backoff(base=0.05))

    async def main() -> None:
        async with (
            Ending(tmp_path / "server", lambda: stream_error("conflict")) as server,
            program(server, tmp_path) as stage,
        ):
            event = await stage.state(ALICE, "failed")
            assert "once more" in event.detail
            assert len({line.jid for line in server.sessions}) == len(server.lines) == 2

    run(main)


class Full(StagedServer):
    """Gives no resource as long as there is a session, or a ghost of one."""

    def on_iq(self, line: Line, iq: Element) -> None:
        if iq.find(f"{{{BIND}}}bind") is None or len(self.lines) > 1:
            super().on_iq(line, iq)
        else:
            line.say(
                f"<iq type='error' id='bind'><error type='cancel'><conflict xmlns='{STANZAS}'/>"
                "</error></iq>"
            )


@pytest.mark.parametrize("declared", [True, False])
def test_a_resource_that_is_not_given_is_waited_for_or_changed(
    run: Run, tmp_path: Path, declared: bool
) -> None:
    async def main() -> None:
        jid = f"{ALICE}/desk" if declared else ALICE
        async with Full(tmp_path / "server") as server, program(server, tmp_path, [jid]) as stage:
            event = await ended(stage)
            assert "gave no resource (conflict)" in event.detail
            assert follows(event) == (LATER if declared else AGAIN)
            if not declared:
                await stage.online(ALICE)

    run(main)


# -- see-other-host --------------------------------------------------------------------------------


@pytest.mark.parametrize("early", [True, False], ids=["login", "session"])
def test_another_host_is_gone_to_at_once(run: Run, tmp_path: Path, early: bool) -> None:
    async def main() -> None:
        async with (
            StagedServer(tmp_path / "server") as target,
            Ending(
                tmp_path / "first",
                lambda: stream_error("see-other-host", f"127.0.0.1:{target.port}"),
                early=early,
            ) as first,
            program(first, tmp_path, ca=both(tmp_path, first, target)) as stage,
        ):
            await target.until(lambda: target.sessions)
            await stage.online(ALICE)
            assert (len(first.lines), len(target.lines)) == (1, 1)

    run(main)


def both(folder: Path, *servers: StagedServer) -> Path:
    """Write a file with the authorities of several servers."""
    path = folder / "authorities.pem"
    path.write_text("".join(one.authority.read_text() for one in servers))
    return path


def test_another_host_has_to_prove_that_it_is_the_domains(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            StagedServer(tmp_path / "server") as target,
            Ending(
                tmp_path / "first",
                lambda: stream_error("see-other-host", f"127.0.0.1:{target.port}"),
                early=True,
            ) as first,
            program(first, tmp_path) as stage,
        ):
            event = await stage.state(ALICE, "failed")
            assert "certificate is not trusted" in event.detail
            assert not any(line.heard for line in target.lines)

    run(main)


def test_hosts_that_only_name_others_are_left_alone(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            Ending(
                tmp_path / "server",
                lambda: stream_error("see-other-host", f"127.0.0.1:{server.port}"),
                early=True,
            ) as server,
            program(server, tmp_path) as stage,
        ):
            event = await stage.until(AccountChanged, lambda e: "next try" in e.detail)
            assert follows(event) == LATER
            assert "see-other-host" in event.detail
            assert len(server.lines) == login_session.MAX_REDIRECTS + 1

    run(main)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("xmpp.example.net", ("xmpp.example.net", None)),
        (" xmpp.example.net:5299 ", ("xmpp.example.net", 5299)),
        ("192.0.2.7:5222", ("192.0.2.7", 5222)),
        ("[2001:db8::7]", ("2001:db8::7", None)),
        ("[2001:db8::7]:5222", ("2001:db8::7", 5222)),
        ("bücher.example", ("xn--bcher-kva.example", None)),
        *[(text, None) for text in (
            "", " ", "2001:db8::7", "[192.0.2.7]", "[host]", "host:", "host:0", "host:65536",
            "host:5222:5222", "host:x", "a b", "-host", "host-.net", "a..b", ".", "a/b", "u@h",
            "http://h", "x" * 64, "a." * 200, "a\x00b", "host:٣", "[::1", "::1]", "a" * 5000,
            "a" * 60 + "!",
        )],
    ],
)  # fmt: skip
def test_an_address_is_read_or_left(text: str, address: Any) -> None:
    assert read_address(text) == address


# -- where the server is ---------------------------------------------------------------------------


def test_each_address_of_the_domain_is_tried(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with StagedServer(tmp_path / "server") as server:

            async def records(*_: object) -> list[tuple[str, str, str, int]]:
                ports = closed_port(), closed_port(), server.port
                return [("xmpps-client", "localhost", "127.0.0.1", port) for port in ports]

            monkeypatch.setattr(Stream, "get_dns_records", records)
            async with program(server, tmp_path, host=None, port=None) as stage:
                await stage.online(ALICE)
                assert [e.state for e in stage.all(AccountChanged)] == ["connecting", "online"]

    run(main)


# -- what else a server does -----------------------------------------------------------------------


def test_an_answer_that_can_not_be_read_costs_no_more_than_itself(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(_: object) -> None:
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(contacts, "read_items", stumble)

    async def main() -> None:
        async with StagedServer(tmp_path / "server") as server, program(server, tmp_path) as stage:
            await stage.online(ALICE)
            asking = Asker.start()
            asker = cast("Asker", asking._actor_weakref())
            asker.ask((await stage.account(ALICE)).actor_ref, "", "after the roster")
            assert (await asker.answers.get()).answer is not None
            asking.stop(block=False)
            await asking.ended
            assert [event.state for event in stage.all(AccountChanged)] == ["connecting", "online"]

    run(main)
    assert "alice@localhost: what came in can't be read and was dropped" in caplog.text


def test_what_was_never_logged_in_does_not_log_out(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            Ending(tmp_path / "server", lambda: stream_error("reset"), early=True) as server,
            program(server, tmp_path) as stage,
        ):
            await ended(stage)
        assert [e.state for e in stage.all(AccountChanged)] == ["connecting", "waiting", "ended"]

    run(main)


@pytest.mark.parametrize(
    ("error", "address", "words"),
    [
        ("No record", ("xmpp.example.net", 5222), "host xmpp.example.net is unknown .*server.host"),
        ("No record", None, "host example.org is unknown .*check the JID, or set server"),
        (socket.gaierror(-2, "x"), ("h.example", 1), "the host h.example is unknown"),
        (ConnectionRefusedError(), ("h.example", 1), r"nothing listens .*\(h.example, port 1\)"),
        (TimeoutError(110, "timed out"), ("h.example", 1), r"\(h.example, port 1\).*timed out"),
        (TimeoutError(), None, "can't be reached .TimeoutError."),
        (ConnectionResetError(104, "reset"), ("h.example", 1), r"1\) hangs up .* and server.tls"),
        (ConnectionResetError(104, "reset"), None, "hangs up at once .reset.*server.tls"),
        (RuntimeError("odd"), None, "odd"),
        (None, None, "can't be reached"),
    ],
)  # fmt: skip
def test_what_can_not_be_reached_is_named(
    run: Run, error: object, address: tuple[str, int] | None, words: str
) -> None:
    async def main() -> None:
        stream = Stream(
            "alice@example.org/x",
            "secret",
            context=ssl.create_default_context(),
            direct_tls=False,
            keeps_resource=True,
            deliver=print,
        )
        stream.custom_address = address
        end = stream.unreachable(error)
        assert re.search(words, end.reason), end
        assert end.remedy is Remedy.AGAIN

    run(main)
