"""What the accounts of a load test do by themselves."""

from typing import Any, cast

from callboard.actors.messages.account import AccountRef
from callboard.actors.messages.call import Answer
from callboard.actors.messages.exchange import CallStatus
from callboard.load.measure.tally import Tally
from callboard.load.plan.phase import Phase
from callboard.load.run.participant import Participant, Sources
from callboard.load.run.phase_tag import CLIENT, new_tag, session_id, tagged_message
from callboard.media import ClockPattern, ReceivePath, Silence, Tone
from callboard.tests.conftest import Run

PHASES = (
    Phase.model_validate({"login": {}}),
    Phase.model_validate({"call": {"rate": 1, "duration": 1, "path": "frames"}}),
    Phase.model_validate({"call": {"rate": 1, "duration": 1, "path": "packets"}}),
    Phase.model_validate({"call": {"rate": 1, "duration": 1}}),
)
SOURCES = {1: Sources(Tone(440), None), 2: Sources(Tone(880), ClockPattern())}


class Heard:
    """Takes what an actor would be asked or told."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def request(self, message: Any, *, timeout: float) -> None:
        assert timeout > 0
        self.messages.append(message)

    def tell(self, message: Any) -> None:
        self.messages.append(message)


def status(sid: str, *media: str) -> CallStatus:
    return CallStatus(sid, "b@localhost", "a@localhost/load", "in", "ringing", media)


def test_calls_of_overlapping_phases_are_answered_with_the_media_of_each(run: Run) -> None:
    port = Participant(cast("AccountRef", Heard()), Tally(), PHASES, SOURCES)
    call: Any = Heard()

    async def main() -> None:
        for sid, *media in (
            (session_id(1), "audio"),
            (session_id(2), "audio", "video"),
            (session_id(2), "audio"),
            (session_id(3), "audio"),
            ("somebody-elses", "audio", "video"),
        ):
            await port.called(call, status(sid, *media))

    run(main)
    assert call.messages == [
        Answer(Tone(440), None),
        Answer(Tone(880), ClockPattern()),
        Answer(Tone(880), None),
        Answer(Silence(), None),
        Answer(Silence(), None),
    ]


def test_a_call_belongs_to_its_phase_whatever_phases_begin_later() -> None:
    port = Participant(cast("AccountRef", Heard()), Tally(), PHASES, SOURCES)
    first, second, third = (session_id(number) for number in (1, 2, 3))
    assert port.path_of(first) is ReceivePath.FRAMES
    assert port.path_of(second) is ReceivePath.PACKETS
    assert port.path_of(third) is ReceivePath.NONE
    assert port.path_of(session_id(0)) is port.path_of("somebody-elses") is None
    assert port.answer_to(first) == Answer(Tone(440), None)
    assert port.answer_to(second) == Answer(Tone(880), ClockPattern())
    assert port.answer_to(third) == port.answer_to("somebody-elses") == Answer(Silence(), None)


def test_messages_of_phases_are_counted_and_receipted(run: Run) -> None:
    account, tally = Heard(), Tally()
    port = Participant(cast("AccountRef", account), tally, PHASES, {})

    async def main() -> None:
        for phase, receipt in ((1, True), (2, False), (len(PHASES), True)):
            stanza = tagged_message("b@localhost", new_tag(phase, receipt=receipt), 100)
            body = stanza.findtext(f"{{{CLIENT}}}body")
            assert body is not None
            await port.text("a@localhost/load", body)
        await port.text("a@localhost/load", "hello")

    run(main)
    phases = tally.take().phases
    assert {phase: one.counters for phase, one in phases.items()} == {
        1: {"message.received": 1},
        2: {"message.received": 1},
    }
    assert len(account.messages) == 1
