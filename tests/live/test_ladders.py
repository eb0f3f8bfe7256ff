"""Ladders of real calls: what happened, in order, and why a call failed."""

import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from aiortc import RTCDtlsTransport
from callboard.actors.messages.exchange import AccountChanged, CallStatus
from callboard.actors.xmpp.stanza import CLIENT
from callboard.bots import Call, CallOver, Invite
from callboard.jingle import Proceed, Ringing, Session
from callboard.jingle import namespaces as ns
from callboard.jingle.call_messages.invite import Invite as InviteElement
from callboard.jingle.call_messages.invite import JingleMethod
from callboard.ladder.folder import find_ladder, folder_of
from callboard.ladder.ladder import Ladder
from callboard.media import PeerConnection
from callboard.tests.conftest import Run
from callboard.tests.live.device import Device
from callboard.tests.live.stage import ALICE, BOB, CAROL, PASSWORD, Stage, staged

TRANSPORT = f"{{{ns.ICE_UDP}}}transport"
DEVICE = "carol@localhost/device"


class Kept:
    """The ladders of the first calls of accounts, once the stage is over."""

    def __init__(self, folder: Path) -> None:
        self._records = folder / "calls.jsonl"
        self._uuids: dict[str, str] = {}

    async def after(self, stage: Stage, *accounts: str) -> None:
        """Return when these accounts' first calls are over."""
        for account in accounts:
            self._uuids[account] = (await stage.record(account)).uuid

    def of(self, account: str) -> Ladder:
        return find_ladder(self._records, self._uuids[account])


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def words(ladder: Ladder) -> list[str]:
    arrow = {"out": "> ", "in": "< ", "": ""}
    return [arrow[rung.way] + rung.text for rung in ladder.rungs]


def in_order(found: list[str], *wanted: str) -> bool:
    """Tell whether what is wanted was found, in this order, whatever is between."""
    rest = iter(found)
    return all(any(one == found for found in rest) for one in wanted)


def sooner(monkeypatch: pytest.MonkeyPatch, deadline: str) -> None:
    """Let a deadline of the media be half a second."""
    monkeypatch.setitem(PeerConnection.__init__.__kwdefaults__ or {}, deadline, 0.5)


def test_the_ladder_of_a_call_tells_it_from_both_sides(
    run: Run, tmp_path: Path, kept: Kept
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, came = await stage.connected(ALICE, BOB, audio="tone", video="pattern")
            for account in (ALICE, BOB):
                await stage.step(account, "first-audio")
                await stage.step(account, "first-video")
            await out.hold()
            await stage.until(CallStatus, lambda e: e.account == BOB and e.held)
            await came.hangup()
            await kept.after(stage, ALICE, BOB)
        caller, callee = kept.of(ALICE), kept.of(BOB)
        setup = (
            "> propose (audio, video)",
            "< proceed",  # who takes a call at once may not have said that it rings
            "> session-initiate (audio, video)",
            "< result to session-initiate",
            "< session-accept (audio, video)",
            "> result to session-accept",
            "> session-info hold",
            "< session-terminate [success]",
            "> result to session-terminate",
        )
        # Media go another way than stanzas: they may flow before the result has come that way.
        media = (
            "{} session-accept (audio, video)",
            "DTLS done, fingerprint right: media can flow",
            "{} session-info hold",
        )
        turned = {"> ": "< ", "< ": "> "}
        # Who hangs up writes its record then: the answer to its last stanza may be too late for it.
        mirrored = tuple(turned[one[:2]] + one[2:] for one in setup[:-1])
        for ladder, said, ways in ((caller, setup, "<>"), (callee, mirrored, "><")):
            assert in_order(words(ladder), *said), "; ".join(words(ladder))
            flow = (media[0].format(ways[0]), media[1], media[2].format(ways[1]))
            assert in_order(words(ladder), *flow), "; ".join(words(ladder))
        for ladder in (caller, callee):
            assert {"> first audio", "< first audio", "> first video", "< first video"} <= set(
                words(ladder)
            )
            (pairs,) = (one for one in words(ladder) if one.startswith("ICE connected"))
            assert re.search(r"host 127\.0\.0\.1:\d+ ↔ \w+ 127\.0\.0\.1:\d+", pairs)
            assert ladder.cause.startswith("Completed: media could flow for")
            times = [rung.at for rung in ladder.rungs]
            assert times == sorted(times)
            assert times[0] >= 0
            stanzas = [fromstring(rung.xml) for rung in ladder.rungs if rung.xml]
            assert {one.tag.rpartition("}")[2] for one in stanzas} == {"iq", "message"}
            passwords = {each.get("pwd") for one in stanzas for each in one.iter(TRANSPORT)}
            assert passwords == {"***"}

    run(main)


def test_ladders_are_for_their_owner_alone(run: Run, tmp_path: Path, kept: Kept) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, _ = await stage.connected(ALICE, BOB)
            await out.hangup()
            await kept.after(stage, ALICE, BOB)
        folder = folder_of(tmp_path / "calls.jsonl")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [path.stat().st_mode & 0o777 for path in folder.glob("*.jsonl")] == [0o600] * 2

    run(main)


def test_no_ladder_is_collected_where_they_are_off(run: Run, tmp_path: Path, kept: Kept) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB], ladders="off") as stage:
            out, _ = await stage.connected(ALICE, BOB)
            await out.hangup()
            await stage.record(BOB)
        assert not folder_of(tmp_path / "calls.jsonl").exists()

    run(main)


def test_a_lost_stream_stands_between_a_calls_stanzas(run: Run, tmp_path: Path, kept: Kept) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            out, _ = await stage.connected(ALICE, BOB)
            (await stage.account(ALICE))._session.stream.lose()
            await stage.until(AccountChanged, lambda e: e.detail == "resumed")
            await out.hangup()
            await kept.after(stage, ALICE)
        found = words(kept.of(ALICE))
        assert any(one.startswith("waiting: the connection broke") for one in found)
        assert in_order(found, "online: resumed", "> session-terminate [success]")

    run(main)


def test_an_invite_stands_before_the_call_that_it_leads_to(
    run: Run, tmp_path: Path, kept: Kept
) -> None:
    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            message = Element(f"{{{CLIENT}}}message", {"to": ALICE, "type": "chat", "id": "i-1"})
            message.append(InviteElement((JingleMethod("sid-of-it", DEVICE),)).to_element())
            device.send(message)
            invite = await stage.told(ALICE, Invite)
            call = await invite.accept()
            await call.hangup()
            await kept.after(stage, ALICE)
        ladder = kept.of(ALICE)
        assert in_order(words(ladder), "< invite to the call", "> accept the invite")
        assert ladder.rungs[0].at == 0
        assert words(ladder)[0] == "< invite to the call"

    run(main)


# -- why it failed ---------------------------------------------------------------------------------


def test_no_route_is_named_with_the_addresses_that_were_tried(
    run: Run, tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    sooner(monkeypatch, "ice_deadline")

    async def main() -> None:
        async with (
            staged(tmp_path, [ALICE], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            jid = (await stage.account(ALICE))._session.jid
            await stage.puppets[ALICE].call(DEVICE, message=False)
            initiate, _ = await device.hears_jingle("session-initiate")
            assert await device.jingle(jid, device.accept(initiate)) == ""
            await kept.after(stage, ALICE)
        ladder = kept.of(ALICE)
        assert re.match(
            r"No route: ICE tried for .* Ours were host 127\.0\.0\.1:\d+; the peer's "
            r"host 127\.0\.0\.1:9\. Check firewalls",
            ladder.cause,
        )
        assert ladder.has_failed

    run(main)


def test_a_wrong_fingerprint_is_named(
    run: Run, tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    say: Callable[..., Element] = Session.accept

    def forged(self: Session, sdp: str, **named: Any) -> Element:
        jingle = say(self, sdp, **named)
        for each in jingle.iter(f"{{{ns.DTLS}}}fingerprint"):
            each.text = ":".join(["AB"] * 32)
        return jingle

    monkeypatch.setattr(Session, "accept", forged)

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            await stage.puppets[ALICE].call(BOB, audio="tone")
            came = await stage.ringing(BOB)
            with suppress(CallOver):  # who forged may be through its handshake first
                await came.answer(audio="tone")
            await kept.after(stage, ALICE)
        ladder = kept.of(ALICE)
        assert ladder.cause.startswith("Wrong fingerprint: ")
        assert "failed: The peer's certificate is not the one it announced." in words(ladder)

    run(main)


def test_a_handshake_that_does_not_end_is_named(
    run: Run, tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck(*_: Any) -> None:
        """Say nothing, as a peer does that speaks another DTLS."""

    monkeypatch.setattr(RTCDtlsTransport, "start", stuck)
    sooner(monkeypatch, "dtls_deadline")

    async def main() -> None:
        async with staged(tmp_path, [ALICE, BOB]) as stage:
            await stage.puppets[ALICE].call(BOB, audio="tone")
            came = await stage.ringing(BOB)
            with suppress(CallOver):
                await came.answer(audio="tone")
            await kept.after(stage, ALICE, BOB)
        causes = [kept.of(one).cause for one in (ALICE, BOB)]
        assert any(one.startswith("DTLS failed: ICE found a way") for one in causes)

    run(main)


def test_a_busy_peer_is_named_on_both_sides(run: Run, tmp_path: Path, kept: Kept) -> None:
    async def main() -> None:
        bob = {"jid": BOB, "password": PASSWORD, "bot": "puppet", "calls": {"limit": 1}}
        async with staged(tmp_path, [ALICE, bob, CAROL]) as stage:
            await stage.connected(ALICE, BOB)
            call: Call = await stage.puppets[CAROL].call(BOB)
            await call.ended()
            await kept.after(stage, CAROL, BOB)  # the one that goes on has no record yet
        refused, theirs = kept.of(CAROL), kept.of(BOB)
        assert refused.cause.startswith("Busy: the peer refused the call")
        assert words(refused)[-2:] == ["< reject [busy]", "the call is ended: busy"]
        assert theirs.cause.startswith("Refused by our own policy (busy")
        assert words(theirs) == ["< propose (audio)", "> reject [busy]"]
        assert not theirs.has_failed

    run(main)


@pytest.mark.parametrize(
    ("says", "cause"),
    [
        ((), "Never accepted: no device of the peer rang or answered in"),
        ((Ringing,), "Never accepted: the peer rang for"),
        ((Ringing, Proceed), "Never accepted: a device took the call, but sent no session-accept"),
    ],
    ids=["silent", "rings", "takes it"],
)
def test_a_call_that_nobody_accepts_is_named(
    run: Run,
    tmp_path: Path,
    kept: Kept,
    monkeypatch: pytest.MonkeyPatch,
    says: tuple[Any, ...],
    cause: str,
) -> None:
    from callboard.actors.call import state

    stages = dict(state.STAGES)
    offered = state.CallState.OFFERED
    stages[offered] = state.Stage(stages[offered].on, "connecting", 0.5, text=stages[offered].text)
    monkeypatch.setattr("callboard.actors.call.course.STAGES", stages)

    async def main() -> None:
        alice = {"jid": ALICE, "password": PASSWORD, "bot": "puppet"}
        alice["calls"] = {"ring_timeout": 1 if not says else 0.7}  # type: ignore[assignment]
        async with (
            staged(tmp_path, [alice], guests=["carol"]) as stage,
            Device(stage, DEVICE) as device,
        ):
            jid = (await stage.account(ALICE))._session.jid
            call = await stage.puppets[ALICE].call(DEVICE, message=True)
            for kind in says:
                device.say(jid, kind(call.id))
            await call.ended()
            await kept.after(stage, ALICE)
        ladder = kept.of(ALICE)
        assert ladder.cause.startswith(cause)
        assert ladder.state == "missed" or "proceed" in cause or ladder.has_failed

    run(main)


def test_a_proposal_that_comes_back_is_named_with_the_servers_error(
    run: Run, tmp_path: Path, kept: Kept
) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            call = await stage.puppets[ALICE].call("nobody@elsewhere.invalid")
            await call.ended()
            await kept.after(stage, ALICE)
        ladder = kept.of(ALICE)
        assert ladder.cause.startswith("Not delivered: a server answered the proposal with ")
        assert any(one.startswith("< error to propose: ") for one in words(ladder))

    run(main)
