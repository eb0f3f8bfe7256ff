"""Who may say what in call messages: the whole table, and what is not in it."""

import itertools

import pytest
from callboard.jingle import (
    Accept,
    CallMessage,
    Finish,
    Proceed,
    Propose,
    Reject,
    Retract,
    Ringing,
    Role,
    Standing,
)

PHONE, LAPTOP, BARE = "bob@example.org/phone", "bob@example.org/laptop", "bob@example.org"
MESSAGES: list[CallMessage] = [
    *(Propose("s", ("audio",)), Ringing("s"), Proceed("s"), Accept("s")),
    *(Reject("s"), Retract("s"), Finish("s")),
]
ANSWERS: set[type[CallMessage]] = {Ringing, Proceed, Reject}
ENDS: set[type[CallMessage]] = {Reject, Finish}
STANDINGS: dict[str, tuple[Standing, dict[str, set[type[CallMessage]]]]] = {
    "all were asked": (
        Standing(Role.INITIATOR, BARE, None),
        {PHONE: ANSWERS, LAPTOP: ANSWERS, BARE: ANSWERS},
    ),
    "one was asked": (Standing(Role.INITIATOR, PHONE, None), {PHONE: ANSWERS}),
    "one has taken it": (
        Standing(Role.INITIATOR, BARE, None).held_by(PHONE),
        {PHONE: ENDS},
    ),
    "called directly": (Standing(Role.INITIATOR, PHONE, PHONE), {PHONE: ENDS}),
    "it calls us": (
        Standing(Role.RESPONDER, PHONE, PHONE),
        {PHONE: {Retract, Finish}, "ours": {Proceed, Accept, Reject}},
    ),
}


@pytest.mark.parametrize(
    ("state", "sender", "message"),
    list(itertools.product(STANDINGS, (PHONE, LAPTOP, BARE, "ours"), MESSAGES)),
)
def test_who_may_say_what(state: str, sender: str, message: CallMessage) -> None:
    standing, taken = STANDINGS[state]
    expected = type(message) in taken.get(sender, set())
    speaks = "alice@example.org/other" if sender == "ours" else sender
    assert standing.takes(message, speaks, own=sender == "ours") is expected
