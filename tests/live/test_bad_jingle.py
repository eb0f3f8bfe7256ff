"""Jingle that is wrong: each gets an answer, the account lives, and the next call works."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.xmpp.stanza import CLIENT
from callboard.bots import CallOver
from callboard.jingle import Proceed, Propose, Reject
from callboard.jingle import namespaces as ns
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device, reason_of
from callboard.tests.live.stage import ALICE, BOB, Stage, staged

INJECTION = "\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host"
OUT_OF_ORDER = "unexpected-request out-of-order"
DEVICE = "carol@localhost/device"
CONTENT = f"{{{ns.JINGLE}}}content"
TRANSPORT = f"{{{ns.ICE_UDP}}}transport"
CANDIDATE = f"{{{ns.ICE_UDP}}}candidate"
DESCRIPTION = f"{{{ns.RTP}}}description"


def content(jingle: Element) -> Element:
    found = jingle.find(CONTENT)
    assert found is not None
    return found


def within(jingle: Element, path: str) -> Element:
    found = jingle.find(f"{CONTENT}/{path}")
    assert found is not None
    return found


def without_contents(jingle: Element) -> None:
    jingle.remove(content(jingle))


def without_fingerprint(jingle: Element) -> None:
    fingerprint = within(jingle, f"{TRANSPORT}/{{{ns.DTLS}}}fingerprint")
    within(jingle, TRANSPORT).remove(fingerprint)


def fingerprint(value: str, algorithm: str = "sha-256") -> Callable[[Element], None]:
    def set_it(jingle: Element) -> None:
        found = within(jingle, f"{TRANSPORT}/{{{ns.DTLS}}}fingerprint")
        found.text = value
        found.set("hash", algorithm)

    return set_it


def without_transport(jingle: Element) -> None:
    content(jingle).remove(within(jingle, TRANSPORT))


def without_description(jingle: Element) -> None:
    content(jingle).remove(within(jingle, DESCRIPTION))


def unknown_transport(jingle: Element) -> None:
    within(jingle, TRANSPORT).tag = "{urn:example:pigeons}transport"


def raw_udp(jingle: Element) -> None:
    without_transport(jingle)
    SubElement(content(jingle), f"{{{ns.RAW_UDP}}}transport")


def unknown_application(jingle: Element) -> None:
    within(jingle, DESCRIPTION).tag = "{urn:example:smells}description"


def without_codecs(jingle: Element) -> None:
    for each in within(jingle, DESCRIPTION).findall(f"{{{ns.RTP}}}payload-type"):
        within(jingle, DESCRIPTION).remove(each)


def unknown_codec(jingle: Element) -> None:
    within(jingle, f"{DESCRIPTION}/{{{ns.RTP}}}payload-type").set("name", "theremin")


def candidates(count: int, first_port: int = 1) -> Callable[[Element], None]:
    def add(jingle: Element) -> None:
        transport = within(jingle, TRANSPORT)
        first = transport.find(CANDIDATE)
        assert first is not None
        for number in range(count):
            SubElement(transport, CANDIDATE, {**first.attrib, "port": str(first_port + number)})

    return add


def two_transports(jingle: Element) -> None:
    content(jingle).append(within(jingle, TRANSPORT))


def bogus_action(jingle: Element) -> None:
    jingle.set("action", "session-explode")


BAD_OFFERS = [
    (without_contents, "bad-request"),
    (without_transport, "bad-request"),
    (two_transports, "bad-request"),
    (candidates(300), "policy-violation"),
    (bogus_action, "item-not-found unknown-session"),
    (without_description, "bad-request"),
    (unknown_application, "unsupported-applications"),
    (unknown_transport, "unsupported-transports"),
    (raw_udp, "unsupported-transports"),
    (without_fingerprint, "security-error"),
    (without_codecs, "incompatible-parameters"),
    (unknown_codec, "incompatible-parameters"),
]


def test_a_bad_offer_gets_an_error_or_a_reason_and_the_account_lives(
    run: Run, tmp_path: Path
) -> None:
    async def offered(peer: "Peer", spoil: Callable[[Element], None], answer: str) -> None:
        initiate = peer.device.initiate(peer.sid)
        spoil(initiate)
        condition = await peer.device.jingle(peer.jid, initiate)
        if not condition:
            came = asyncio.ensure_future(take(peer))
            terminate, _ = await peer.device.hears_jingle("session-terminate")
            came.cancel()
            condition = reason_of(terminate)
            assert (await peer.stage.record(ALICE, peer.sid)).state == "failed"
        assert condition == answer

    run(lambda: one_after_the_other(tmp_path, offered, BAD_OFFERS))


async def take(peer: "Peer") -> None:
    await (await peer.stage.ringing(ALICE, peer.sid)).answer()


@dataclass(frozen=True)
class Peer:
    """Somebody who sends what is wrong, to alice.

    Attributes:
        stage: where both are.
        device: the peer's.
        jid: alice's full JID.
        sid: the session's id, unless alice calls.
    """

    stage: Stage
    device: Device
    jid: str
    sid: str


async def one_after_the_other(
    folder: Path, deed: Callable[..., Awaitable[None]], cases: Sequence[tuple[Any, ...]]
) -> None:
    """Have a peer for each case do something wrong, and see that alice lives on.

    Args:
        folder: of the stage.
        deed: does it, given the peer and a case.
        cases: what the deed is given besides.
    """
    peers = [f"peer{number}" for number in range(len(cases))]
    async with staged(folder, [ALICE, BOB], guests=peers) as stage:
        alice = await stage.account(ALICE)
        for peer, case in zip(peers, cases, strict=True):
            async with Device(stage, f"{peer}@localhost/device") as device:
                try:
                    await deed(Peer(stage, device, alice._session.jid, f"sid-{peer}"), *case)
                    assert await stage.account(ALICE) is alice
                    assert alice.actor_ref.is_alive()
                except BaseException as error:
                    error.add_note(f"{peer}: {case}")
                    raise
        await a_call_works(stage)


@asynccontextmanager
async def on_stage(folder: Path, **options: Any) -> AsyncIterator[tuple[Stage, Device, str]]:
    """Alice and bob on the stage, a device of carol's, and alice's full JID."""
    async with (
        staged(folder, [ALICE, BOB], guests=["carol"]) as stage,
        Device(stage, DEVICE, **options) as device,
    ):
        yield stage, device, (await stage.account(ALICE))._session.jid


async def a_call_works(stage: Stage) -> None:
    """See that alice can still call and be called."""
    out = await stage.puppets[BOB].call(ALICE, audio="tone")
    came = await stage.ringing(ALICE, out.id)
    await came.answer(audio="tone")
    await out.connected()
    await out.hangup()
    assert (await stage.record(ALICE, out.id)).state == "completed"


def test_an_unknown_session_is_said_to_be_unknown(run: Run, tmp_path: Path) -> None:
    async def asked(peer: Peer, action: str) -> None:
        jingle = peer.device.initiate(peer.sid)
        jingle.set("action", action)
        unknown = "item-not-found unknown-session"
        assert await peer.device.jingle(peer.jid, jingle) == unknown

    actions = ("session-accept", "session-info", "transport-info", "content-add")
    cases = [(action,) for action in (*actions, "session-terminate", "")]
    run(lambda: one_after_the_other(tmp_path, asked, cases))


MISFITS: list[tuple[Callable[[Element], Any], str]] = [
    (lambda jingle: None, OUT_OF_ORDER),
    (lambda jingle: jingle.set("action", "session-accept"), OUT_OF_ORDER),
    (lambda jingle: jingle.set("action", "transport-accept"), OUT_OF_ORDER),
    (bogus_action, "bad-request"),
    (lambda jingle: jingle.attrib.pop("action"), "bad-request"),
]


def test_what_does_not_fit_a_session_is_refused_and_the_session_goes_on(
    run: Run, tmp_path: Path
) -> None:
    async def sent(peer: Peer, change: Callable[[Element], Any], answer: str) -> None:
        device, jid = peer.device, peer.jid
        assert await device.jingle(jid, device.initiate(peer.sid)) == ""
        came = await peer.stage.ringing(ALICE, peer.sid)
        wrong = device.initiate(peer.sid)
        change(wrong)
        assert await device.jingle(jid, wrong) == answer
        assert (await came.status()).phase == "ringing"
        assert await device.jingle(jid, device.terminate(peer.sid, "cancel")) == ""
        assert (await peer.stage.record(ALICE, peer.sid)).state == "missed"

    run(lambda: one_after_the_other(tmp_path, sent, MISFITS))


BROKEN = [
    ("", "name"),
    (TRANSPORT, "ufrag"),
    (TRANSPORT, "pwd"),
    (f"{TRANSPORT}/{CANDIDATE}", "foundation"),
    (f"{TRANSPORT}/{CANDIDATE}", "ip"),
    (f"{TRANSPORT}/{{{ns.DTLS}}}fingerprint", "hash"),
    (f"{DESCRIPTION}/{{{ns.RTP}}}payload-type", "name"),
]


def test_a_line_break_in_an_attribute_is_a_bad_request(run: Run, tmp_path: Path) -> None:
    async def sent(peer: Peer, path: str, attribute: str) -> None:
        peer.device.hand_to(await peer.stage.account(ALICE))
        initiate = peer.device.initiate(peer.sid)
        element = within(initiate, path) if path else content(initiate)
        element.set(attribute, element.get(attribute, "") + INJECTION)
        assert await peer.device.jingle(peer.jid, initiate) == "bad-request"

    run(lambda: one_after_the_other(tmp_path, sent, BROKEN))


def test_an_offer_that_comes_after_the_end_of_its_call_begins_no_other(
    run: Run, tmp_path: Path
) -> None:
    async def main() -> None:
        async with on_stage(tmp_path) as (stage, device, jid):
            device.say(ALICE, Propose("sid-1", ("audio",)))
            came = await stage.ringing(ALICE)
            answering = asyncio.ensure_future(came.answer())
            await device.hears(Proceed)
            await came.hangup()
            with pytest.raises(CallOver):
                await answering
            await device.hears(Reject)
            await stage.states(ALICE)
            unknown = "item-not-found unknown-session"
            assert await device.jingle(jid, device.initiate("sid-1")) == unknown
            device.say(ALICE, Propose("sid-1", ("audio",)))
            await a_call_works(stage)
            assert len([one for one in stage.records() if one["id"] == "sid-1"]) == 1

    run(main)


def test_nobody_else_may_speak_in_a_session(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with on_stage(tmp_path) as (stage, device, jid):
            assert await device.jingle(jid, device.initiate("sid-1")) == ""
            came = await stage.ringing(ALICE)
            async with Device(stage, "carol@localhost/other") as other:
                end = other.terminate("sid-1", "success")
                assert await other.jingle(jid, end) == "item-not-found unknown-session"
            assert (await came.status()).phase == "ringing"
            await device.jingle(jid, device.terminate("sid-1", "cancel"))
            await stage.states(ALICE)

    run(main)


def test_ten_thousand_trickled_candidates_are_bounded(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with on_stage(tmp_path) as (stage, device, jid):
            assert await device.jingle(jid, device.initiate("sid-1")) == ""
            answers = []
            for batch in range(50):
                info = device.initiate("sid-1")
                info.set("action", "transport-info")
                candidates(200, 1 + 200 * batch)(info)
                content(info).remove(within(info, DESCRIPTION))
                answers.append(await device.jingle(jid, info))
            assert answers[0] == ""
            assert set(answers[1:]) == {"policy-violation"}
            await device.jingle(jid, device.terminate("sid-1", "cancel"))
            await stage.states(ALICE)
            await a_call_works(stage)

    run(main)


@pytest.mark.parametrize("action", ["session-initiate", "transport-info"])
def test_ten_thousand_candidates_in_one_stanza_are_refused(
    run: Run, tmp_path: Path, action: str
) -> None:
    """The server would cut the stream of who sends such a stanza: it is handed over past it."""

    async def main() -> None:
        async with on_stage(tmp_path) as (stage, device, jid):
            many = device.initiate("sid-1")
            many.set("action", action)
            candidates(10_000)(many)
            if action == "transport-info":
                content(many).remove(within(many, DESCRIPTION))
                assert await device.jingle(jid, device.initiate("sid-1")) == ""
                came = await stage.ringing(ALICE)
            device.hand_to(await stage.account(ALICE))
            assert await device.jingle(jid, many) == "policy-violation"
            if action == "transport-info":
                assert (await came.status()).phase == "ringing"
                assert await device.jingle(jid, device.terminate("sid-1", "cancel")) == ""
                assert await stage.states(ALICE) == ["missed"]
            await a_call_works(stage)

    run(main)


FINGERPRINTS = [
    without_fingerprint,
    fingerprint("AB:CD"),
    fingerprint("what you will"),
    fingerprint(":".join(["AB"] * 32), "sha-3"),
]


@pytest.mark.parametrize("role", ["caller", "callee"])
def test_a_fingerprint_that_is_none_ends_the_call_at_once_with_security_error(
    run: Run, tmp_path: Path, role: str
) -> None:
    async def sent(peer: Peer, spoil: Callable[[Element], None]) -> None:
        stage, device = peer.stage, peer.device
        if role == "caller":
            call = await stage.puppets[ALICE].call(device.jid, message=False)
            waiting = asyncio.ensure_future(call.connected())
            initiate, _ = await device.hears_jingle("session-initiate")
            wrong = device.accept(initiate)
        else:
            device.say(ALICE, Propose(peer.sid, ("audio",)))
            call = await stage.ringing(ALICE, peer.sid)
            waiting = asyncio.ensure_future(call.answer())
            await device.hears(Proceed)
            wrong = device.initiate(peer.sid)
        spoil(wrong)
        assert await device.jingle(peer.jid, wrong) == ""
        terminate, _ = await device.hears_jingle("session-terminate")
        assert reason_of(terminate) == "security-error"
        with pytest.raises(CallOver, match="security-error"):
            await waiting
        assert (await call.ended()).why.startswith("security-error: a DTLS fingerprint")
        assert (await stage.record(ALICE, call.id)).state == "failed"

    run(lambda: one_after_the_other(tmp_path, sent, [(one,) for one in FINGERPRINTS]))


@pytest.mark.parametrize("answered", ["initiate", "accept"])
def test_an_error_without_a_condition_ends_the_call_at_once(
    run: Run, tmp_path: Path, answered: str
) -> None:
    async def main() -> None:
        async with on_stage(tmp_path, acknowledges=False) as (stage, device, jid):
            if answered == "initiate":
                call = await stage.puppets[ALICE].call(DEVICE, message=False)
            else:
                assert await device.jingle(jid, device.initiate("sid-1")) == ""
                call = await stage.ringing(ALICE)
                answering = asyncio.ensure_future(call.answer())
            iq = await device.until(
                lambda e: (
                    (jingle := e.find(f"{{{ns.JINGLE}}}jingle")) is not None
                    and jingle.get("action") == f"session-{answered}"
                )
            )
            attributes = {"type": "error", "id": iq.get("id", ""), "to": iq.get("from", "")}
            refusal = Element(f"{{{CLIENT}}}iq", attributes)
            SubElement(refusal, f"{{{CLIENT}}}error", {"type": "cancel"})
            device.send(refusal)
            assert "undefined-condition" in (await call.ended()).why
            if answered == "accept":
                with pytest.raises(CallOver):
                    await answering
            assert await stage.states(ALICE) == ["failed"]
            await a_call_works(stage)

    run(main)


def test_a_proposal_of_no_media_or_without_id_disturbs_nobody(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with on_stage(tmp_path) as (stage, device, _):
            device.say(ALICE, Propose("sid-1", ()))
            device.say(ALICE, Propose("", ("audio",)))
            device.say(ALICE, Propose("x" * 5000, ("audio",)))
            assert (await stage.record(ALICE)).id == "sid-1"
            assert (await stage.record(ALICE)).state == "failed"
            await a_call_works(stage)
            assert {one["id"] for one in stage.records() if one["direction"] == "in"} >= {"sid-1"}

    run(main)
