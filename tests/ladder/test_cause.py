"""Why a call ended as it did, in plain words: each way there is to end."""

from typing import Any

import pytest
from callboard.ladder.cause import End, cause, duration

pytestmark = pytest.mark.unit

RUNG = {"propose": 0.0, "ringing": 0.5}
TAKEN = {**RUNG, "proceed": 1.0, "initiate": 1.1}
ACCEPTED = {**TAKEN, "accept": 2.0}
FLOWING = {**ACCEPTED, "ice": 2.5, "dtls": 3.0}
HEARD = {**FLOWING, "first-audio": 3.1}


def end(reason: str, **known: Any) -> End:
    usual: dict[str, Any] = {
        "direction": "out", "state": "failed", "text": "", "ours": True, "steps": {},
        "seconds": 32.0,
    }  # fmt: skip
    return End(reason=reason, **{**usual, **known})


@pytest.mark.parametrize(
    ("known", "begins"),
    [
        (
            end("success", state="completed", steps=HEARD, expected=("audio",)),
            "Completed: media could flow for 29.0 s; we hung up.",
        ),
        (
            end("success", state="completed", steps=HEARD, ours=False, expected=("audio",)),
            "Completed: media could flow for 29.0 s; the peer hung up.",
        ),
        (
            end("success", state="completed", steps=FLOWING, expected=("audio", "video")),
            ("Media never came: ICE and DTLS were done, but in 29.0 s the peer sent no audio "
            "and no video."),
        ),
        (
            end("success", state="completed", steps=FLOWING, seconds=3.2, expected=("audio",)),
            "Completed: ",
        ),
        (
            end("connectivity-error", steps=ACCEPTED, failed_at="ice", own=("host 192.0.2.1:4",),
                theirs=("host 10.0.0.1:9", "b", "c", "d", "e")),
            ("No route: ICE tried for 30.0 s and no pair of addresses let packets through. Ours "
            "were host 192.0.2.1:4; the peer's host 10.0.0.1:9, b, c and 2 more. Check firewalls"),
        ),
        (
            end("connectivity-error", steps=ACCEPTED, failed_at="ice"),
            ("No route: ICE tried for 30.0 s and no pair of addresses let packets through. Ours "
            "were none; the peer named none."),
        ),
        (
            end("connectivity-error", steps=RUNG, ours=False, bounced="remote-server-not-found"),
            "Not delivered: a server answered the proposal with remote-server-not-found.",
        ),
        (
            end("connectivity-error", steps=HEARD, failed_at="media"),
            "Contact lost: media had a way for 29.0 s",
        ),
        (
            end("connectivity-error", steps=ACCEPTED, ours=False, text="no way"),
            "Ended by the peer while ICE looked for a way: connectivity-error: no way.",
        ),
        (
            end("security-error", steps=ACCEPTED, failed_at="dtls"),
            "Wrong fingerprint: the certificate of the DTLS handshake is not the one that the peer",
        ),
        (
            end("security-error", steps=ACCEPTED, ours=False),
            "The peer ended the call with security-error.",
        ),
        (
            end("failed-transport", steps=ACCEPTED, failed_at="dtls", text="Not done in 10 s."),
            "DTLS failed: ICE found a way, but then: Not done in 10 s.",
        ),
        (end("busy", state="busy", ours=False), "Busy: the peer refused the call"),
        (end("busy", state="busy", text="calls.limit"), "Busy: we refused it: calls.limit."),
        (
            end("timeout", state="missed", steps={"propose": 0.0}),
            "Never accepted: no device of the peer rang or answered in 32.0 s.",
        ),
        (
            end("timeout", state="missed", steps=RUNG),
            "Never accepted: the peer rang for 31.5 s, and nobody took the call.",
        ),
        (
            end("timeout", steps=TAKEN),
            "Never accepted: a device took the call, but sent no session-accept in 30.9 s.",
        ),
        (
            end("timeout", direction="in", state="missed", steps=RUNG),
            "Never accepted: it rang here for 31.5 s, and the bot did not answer.",
        ),
        (
            end("timeout", direction="in", steps={**RUNG, "proceed": 1.0}),
            "Never offered: we took the call, and the peer sent no session-initiate in 31.0 s.",
        ),
        (end("timeout", ours=False), "Never accepted: the peer gave up after 32.0 s (timeout)."),
        (end("decline", ours=False), "Declined: the peer refused the call."),
        (end("cancel", steps=RUNG), "Cancelled: we hung up after 32.0 s, before it connected."),
        (end("cancel", ours=False, direction="in"), "Cancelled: the caller hung up after 32.0 s"),
        (
            end("cancel", ours=False, direction="in", text="answered on another device"),
            "Taken elsewhere: the call was answered on another device.",
        ),
        (end("expired"), "Given up for another call: both called at once."),
        (end("unsupported-applications", text="no codec"), "Nothing in common: no codec."),
        (end("gone", steps=HEARD, ours=False), "Ended by the peer after media could flow: gone."),
        (end("general-error", text="internal error: X()"), "Ended by us at its beginning: general"),
        (end("a-reason-of-tomorrow"), "Ended by us at its beginning: a-reason-of-tomorrow."),
    ],
)  # fmt: skip
def test_each_end_has_its_sentence(known: End, begins: str) -> None:
    assert cause(known).startswith(begins)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 ms"), (0.0421, "42 ms"), (0.9996, "1.0 s"), (119.94, "119.9 s"), (125, "2 min 5 s"),
     (3725, "1 h 2 min")],
)  # fmt: skip
def test_durations_are_read_by_people(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the account is logging out.", "The account is logging out."),
        ("Bye", "Bye."),
        ("bob@example.org is gone", "bob@example.org is gone."),
        ("écoute!", "Écoute!"),
        ("x-err 5", "x-err 5."),
        ("486", "486."),
    ],
)
def test_a_sentence_of_another_begins_as_one(text: str, words: str) -> None:
    for reason, known in (
        ("success", {"state": "completed", "steps": HEARD}),
        ("decline", {"state": "declined"}),
        ("cancel", {"state": "cancelled"}),
    ):
        assert cause(end(reason, text=text, **known)).endswith(f". {words}")
    assert cause(end("decline", text=" ")).endswith("refused the call.")
