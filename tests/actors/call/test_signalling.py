"""What a call says in each stage, and whom it believes, with a real session on the other side."""

from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from callboard.actors.call.signalling import WORDS, Acknowledgement, Signalling
from callboard.actors.call.trace import Trace
from callboard.actors.messages.account import ReplyIq
from callboard.actors.messages.call import JingleReceived
from callboard.actors.messages.conversation import CallAccepted, SendCallMessage, SendJingle
from callboard.actors.runtime.actor import AsyncioActor
from callboard.actors.xmpp.events import IqAnswered
from callboard.actors.xmpp.stanza import iq_reply, stanza_error
from callboard.jingle import (
    Accept,
    Accepted,
    Finish,
    Info,
    Initiated,
    Proceed,
    Propose,
    Reason,
    Reject,
    Retract,
    Ringing,
    Role,
    Session,
)
from callboard.tests.actors.call.scene import ANSWER, OWN, PEER
from callboard.tests.conftest import Run
from callboard.tests.live.device import OFFER

OTHER = "alice@localhost/laptop"


class Hand(AsyncioActor[Any]):
    """Hands on what it is told, as a conversation and an account do."""

    def __init__(self, on: Callable[[Any], object]) -> None:
        super().__init__()
        self.on = on

    def on_receive(self, message: Any) -> None:
        """Hand it on."""
        self.on(message)


class Post:
    """A conversation that notes what it is told, until it is gone."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.gone = False

    def post(self, message: Any) -> bool:
        if not self.gone:
            self.told.append(message)
        return not self.gone


class Side:
    """Our side of a call, and the peer's session."""

    def __init__(self, *, outgoing: bool, message: bool = True) -> None:
        role = Role.INITIATOR if outgoing else Role.RESPONDER
        first, second = (OWN, PEER) if outgoing else (PEER, OWN)
        self.peer = Session(role.other, "sid", initiator=first, responder=second)
        self.post = Post()
        self.last_words: list[Element] = []
        self.heard: list[Acknowledgement] = []
        conversation: Any = self.post
        self.ours = Signalling(
            Session(role, "sid", initiator=first, responder=second),
            PEER,
            message=message,
            conversation=conversation,
            last_word=self.last_words.append,
            trace=Trace(is_on=False),
        )

    @property
    def jingle(self) -> list[Element]:
        return [one.jingle for one in self.post.told if isinstance(one, SendJingle)]

    @property
    def messages(self) -> list[Any]:
        """What was said by message, each with whom to."""
        return [(m.to, m.message) for m in self.post.told if isinstance(m, SendCallMessage)]

    def hears(self, jingle: Element, sender: str = PEER) -> list[Any]:
        return self.ours.receive(JingleReceived(sender, "iq", jingle))

    def answers(self, kind: str | None) -> None:
        """Let the peer answer our last IQ: a result, an error's condition, or None for nothing."""
        token = [one.token for one in self.post.told if isinstance(one, SendJingle)][-1]
        error = None if kind in (None, "") else stanza_error("cancel", str(kind))
        answer = None if kind is None else iq_reply(OWN, "iq", error)
        self.ours.answered(IqAnswered(token, answer))


def test_a_call_by_message_from_proposal_to_goodbye() -> None:
    side = Side(outgoing=True)
    side.ours.propose(("audio",))
    assert side.messages == [(PEER, Propose("sid", ("audio",)))]
    side.ours.taken_by(OTHER)
    side.peer.responder = OTHER
    side.ours.initiate(OFFER, side.heard.append)
    assert isinstance(side.peer.receive(side.jingle[0])[0], Initiated)
    (accepted,) = side.hears(side.peer.accept(ANSWER), OTHER)
    assert isinstance(accepted, Accepted)
    side.ours.accepted()
    reply = ReplyIq(OTHER, "iq", at_leisure=True)
    assert side.post.told[-2:] == [reply, CallAccepted("sid")]
    side.ours.goodbye(Reason.TIMEOUT, taken=False)
    (ended,) = side.peer.receive(side.jingle[-1])
    assert (ended.reason, ended.text) == (Reason.TIMEOUT, WORDS[Reason.TIMEOUT])  # type: ignore[union-attr]
    assert side.messages[-1] == (OTHER, Finish("sid", Reason.TIMEOUT))


@pytest.mark.parametrize(
    ("outgoing", "taken", "reason", "said"),
    [
        (True, False, Reason.CANCEL, [Retract("sid", Reason.CANCEL)]),
        (
            *(True, True, Reason.CANCEL),
            [Retract("sid", Reason.CANCEL), Finish("sid", Reason.CANCEL)],
        ),
        (False, False, Reason.DECLINE, [Reject("sid", Reason.DECLINE)]),
        (
            *(False, True, Reason.GONE),
            [Reject("sid", Reason.GONE), Finish("sid", Reason.GONE)],
        ),
        (False, False, Reason.EXPIRED, [Reject("sid", Reason.EXPIRED, tie_break=True)]),
    ],
)
def test_a_goodbye_before_the_session_is_said_by_message(
    outgoing: bool, taken: bool, reason: Reason, said: list[Any]
) -> None:
    side = Side(outgoing=outgoing)
    side.ours.goodbye(reason, taken=taken)
    assert [message for _, message in side.messages] == said
    direct = Side(outgoing=outgoing, message=False)
    direct.ours.goodbye(reason, taken=taken)
    assert direct.post.told == []


def test_a_call_of_the_peer_s_rings_and_is_taken_for_all_of_our_devices() -> None:
    side = Side(outgoing=False)
    side.ours.ring()
    side.ours.proceed()
    assert side.messages == [
        (PEER, Ringing("sid")),
        (PEER, Proceed("sid")),
        ("desk@localhost", Accept("sid")),
    ]
    direct = Side(outgoing=False, message=False)
    direct.hears(direct.peer.initiate(OFFER))
    assert direct.post.told == [ReplyIq(PEER, "iq")]
    direct.ours.ring()
    assert [one.get("action") for one in direct.jingle] == ["session-info"]


def test_only_the_peer_s_device_speaks_in_the_session() -> None:
    side = Side(outgoing=False)
    assert side.hears(side.peer.initiate(OFFER), OTHER) == []
    (reply,) = side.post.told
    assert (reply.to, reply.error is None) == (OTHER, False)


def test_what_can_not_be_is_answered_with_an_error_and_changes_nothing() -> None:
    side = Side(outgoing=True)
    side.ours.initiate(OFFER, side.heard.append)
    side.peer.receive(side.jingle[0])
    accept = side.peer.accept(ANSWER)
    accept.set("action", "session-nonsense")
    assert side.hears(accept) == []
    assert side.post.told[-1].error is not None
    accept.set("action", "session-accept")
    assert len(side.hears(accept)) == 1


@pytest.mark.parametrize(
    ("kind", "heard", "failure"),
    [
        ("", Acknowledgement(came=True), None),
        (None, Acknowledgement(came=False), "the peer did not answer the session-initiate"),
        (
            "item-not-found",
            Acknowledgement(came=True, condition="item-not-found"),
            "the peer did not take it: item-not-found",
        ),
    ],
)
def test_who_sent_an_iq_hears_once_what_the_peer_makes_of_it(
    kind: str | None, heard: Acknowledgement, failure: str | None
) -> None:
    side = Side(outgoing=True)
    side.ours.initiate(OFFER, side.heard.append)
    side.answers(kind)
    side.answers(kind)
    assert side.heard == [heard]
    assert heard.failure("session-initiate") == failure


def test_of_a_restart_the_last_answer_counts() -> None:
    side = Side(outgoing=True)
    side.ours.initiate(OFFER, lambda _: None)
    side.peer.receive(side.jingle[0])
    side.hears(side.peer.accept(ANSWER))
    side.ours.restart(OFFER.replace("dead", "beef"), side.heard.append, answer=False)
    first, last = [one.token for one in side.post.told if isinstance(one, SendJingle)][-2:]
    side.ours.answered(IqAnswered(first, iq_reply(OWN, "iq")))
    assert side.heard == []
    side.ours.answered(IqAnswered(last, iq_reply(OWN, "iq")))
    assert len(side.heard) == 1


def test_an_information_that_comes_too_early_is_left_out() -> None:
    side = Side(outgoing=False)
    side.ours.inform(Info.HOLD)
    assert side.post.told == []


@pytest.mark.parametrize(
    ("called", "sender", "reaches"),
    [
        (PEER, PEER, True),
        (PEER, "alice@localhost", False),
        ("alice@localhost", "alice@localhost", True),
        ("alice@localhost", OTHER, False),
        ("alice@localhost", "mallory@localhost", False),
    ],
)
def test_an_error_counts_from_whom_the_proposal_went_to(
    called: str, sender: str, reaches: bool
) -> None:
    side = Side(outgoing=True)
    side.ours.peer = called
    assert side.ours.reaches(sender) is reaches


def _goodbye(side: Side) -> None:
    side.ours.goodbye(Reason.GONE, taken=False)


def _acknowledgement(side: Side) -> None:
    side.hears(side.peer.terminate(Reason.SUCCESS))


@pytest.mark.parametrize(
    ("say", "said"), [(_goodbye, ["iq", "message"]), (_acknowledgement, ["iq"])]
)
def test_when_the_conversation_is_gone_all_goes_out_as_last_words(
    say: Callable[[Side], None], said: list[str]
) -> None:
    side = Side(outgoing=False)
    side.hears(side.peer.initiate(OFFER))
    side.post.gone = True
    say(side)
    assert [one.tag.rpartition("}")[2] for one in side.last_words] == said
    assert {one.get("to") for one in side.last_words} == {PEER}


@pytest.mark.parametrize("hands", [0, 1, 4, 20])
def test_it_is_known_when_the_stream_has_what_was_said(run: Run, hands: int) -> None:
    """Whoever hands it on, and however many do."""

    async def main() -> None:
        log: list[str] = []

        def transmit(message: SendCallMessage) -> None:
            log.append("sent")
            assert message.said is not None
            message.said.set()

        chain: list[Any] = [Hand.start(transmit)]
        for _ in range(hands):
            chain.append(Hand.start(chain[-1].tell))
        conversation: Any = chain[-1]
        ours = Signalling(
            Session(Role.INITIATOR, "sid", initiator=OWN, responder=PEER),
            PEER,
            message=True,
            conversation=conversation,
            last_word=lambda _: None,
            trace=Trace(is_on=False),
        )
        await ours.said()  # nothing was said, so there is nothing to wait for
        ours.when_said(lambda: log.append("nothing was said"))
        ours.propose(("audio",))
        ours.when_said(lambda: log.append("called"))
        await ours.said()
        log.append("known")
        ours.when_said(lambda: log.append("called again"))
        assert log == ["nothing was said", "sent", "called", "known", "called again"]
        for one in chain:
            one.stop(block=False)
            await one.ended

    run(main)


def test_nobody_waits_for_what_nobody_sends() -> None:
    side = Side(outgoing=True)
    side.post.gone = True
    called: list[str] = []
    side.ours.propose(("audio",))
    side.ours.when_said(lambda: called.append("a message"))
    side.ours.taken_by(PEER)
    side.ours.initiate(OFFER, side.heard.append)
    side.ours.when_said(lambda: called.append("an IQ"))
    assert called == ["a message", "an IQ"]
