"""The offer of a page is held to what a peer's is held to."""

import re
from contextlib import suppress

import pytest
from callboard.actors.call.page_offer import MOST, read_offer
from callboard.actors.messages.call import GuestKind, OfferError
from callboard.media import (
    ClockPattern,
    MediaError,
    PeerConnection,
    ReceivePath,
    Tone,
    cut_to,
)
from callboard.tests.conftest import Run
from callboard.tests.fuzz.targets import check_lines
from callboard.tests.jingle import corpus
from callboard.tests.media.legs import LOOPBACK
from hypothesis import given
from hypothesis import strategies as st

FINGERPRINT = ":".join(["AB"] * 32)


def section(kind: str, mid: str, direction: str, *more: str) -> str:
    """One section of a browser's offer, before it has gathered."""
    codec = "111 opus/48000/2" if kind == "audio" else "96 VP8/90000"
    number = codec.split(maxsplit=1)[0]
    return "\r\n".join(
        [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {number}",
            "c=IN IP4 0.0.0.0",
            "a=ice-ufrag:abcd",
            "a=ice-pwd:abcdefghijklmnopqrstuvwx",
            f"a=fingerprint:sha-256 {FINGERPRINT}",
            "a=setup:actpass",
            f"a=mid:{mid}",
            f"a={direction}",
            "a=rtcp-mux",
            f"a=rtpmap:{codec}",
            *more,
            "",
        ]
    )


HEAD = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n"
AUDIO, VIDEO = section("audio", "0", "recvonly"), section("video", "1", "recvonly")
GOOD = HEAD + AUDIO + VIDEO
DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n"


@pytest.mark.parametrize("kind", GuestKind)
def test_what_a_page_says_is_written_anew(kind: GuestKind) -> None:
    offer = GOOD.replace("recvonly", "sendonly") if kind.talks else GOOD
    found = read_offer(offer + "a=x-evil:1\r\n", kind)
    assert re.findall(r"(?m)^m=(\w+)", found) == ["audio", "video"]
    assert re.findall(r"(?m)^a=mid:(\S+)", found) == ["0", "1"]
    assert "x-evil" not in found
    assert read_offer(found, kind) == found


BAD = {
    "nothing": ("", "one section of audio"),
    "no SDP": ("GET / HTTP/1.1", "one section of audio"),
    "too long": (GOOD + "a=x\r\n" * MOST, "more than 65,536 characters"),
    "two of a kind": (HEAD + AUDIO + AUDIO.replace("mid:0", "mid:1"), "one section of audio"),
    "data": (HEAD + AUDIO + DATA, "one section of audio"),
    "other media": (HEAD + AUDIO.replace("m=audio", "m=text"), "one section of audio"),
    "sends": (GOOD.replace("recvonly", "sendonly"), "a=recvonly"),
    "both ways": (GOOD.replace("recvonly", "sendrecv"), "a=recvonly"),
    "inactive": (GOOD.replace("recvonly", "inactive"), "a=recvonly"),
    "no direction": (GOOD.replace("a=recvonly\r\n", ""), "a=recvonly"),
    "one refused": (HEAD + AUDIO + VIDEO.replace(" 9 ", " 0 "), "a=recvonly"),
    "wrong m-line": (GOOD.replace("m=audio 9", "m=audio nine"), "can't be used"),
    "wrong number": (GOOD.replace("111 opus/48000", "111 opus/" + "9" * 5000), "can't be used"),
    "wrong fingerprint": (GOOD.replace(FINGERPRINT, "AB:CD"), "can't be used"),
    "long ufrag": (GOOD.replace("abcd\r", "a" * 5000 + "\r"), "can't be used"),
    "many codecs": (
        HEAD
        + AUDIO.replace("SAVPF 111", "SAVPF " + " ".join(map(str, range(400))))
        + "".join(f"a=rtpmap:{number} x/8000\r\n" for number in range(400)),
        "can't be used",
    ),
    "many candidates": (
        GOOD + "a=candidate:1 1 udp 1 127.0.0.1 1000 typ host\r\n" * 300,
        "can't be used",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_can_not_be_used_is_refused_with_a_sentence(name: str) -> None:
    offer, words = BAD[name]
    with pytest.raises(OfferError, match=re.escape(words)):
        read_offer(offer, GuestKind.RECEIVED)


def test_who_talks_needs_a_microphone() -> None:
    with pytest.raises(OfferError, match="microphone"):
        read_offer(HEAD + VIDEO.replace("recvonly", "sendonly"), GuestKind.JOIN)


LINES = GOOD.split("\r\n")


@given(
    st.lists(st.sampled_from(range(len(LINES))), max_size=6),
    st.lists(st.tuples(st.sampled_from(range(len(LINES))), st.text(max_size=40)), max_size=4),
    st.sampled_from(GuestKind),
)
def test_whatever_comes_is_read_or_refused(
    without: list[int], instead: list[tuple[int, str]], kind: GuestKind
) -> None:
    lines = list(LINES)
    for at, text in instead:
        lines[at] = lines[at][: len(text)] + text
    text = "\r\n".join(line for at, line in enumerate(lines) if at not in without)
    found = ""
    with suppress(OfferError):
        found = read_offer(text, kind)
    check_lines(found)
    assert set(re.findall(r"(?m)^m=(\w+)", found)) <= {"audio", "video"}


@corpus.needs_corpus
def test_real_offers_are_understood() -> None:
    offers = [
        text
        for path in corpus.descriptions()
        if "offer" in path.name and "m=application" not in (text := path.read_text())
    ]
    assert offers
    for text in offers:
        one_way = re.sub(r"(?m)^a=(sendrecv|sendonly|inactive)\s*$", "a=recvonly", text)
        assert read_offer(one_way, GuestKind.SENT)


BENT = {
    **{f"without {line[:20]}": GOOD.replace(f"{line}\r\n", "") for line in dict.fromkeys(LINES)},
    "no transport": re.sub(r"a=(ice|fing|setup).*\r\n", "", GOOD),
    "no mids": re.sub(r"a=mid.*\r\n", "", GOOD),
    "the same mid": GOOD.replace("a=mid:1", "a=mid:0"),
    "another bundle": GOOD.replace("BUNDLE 0 1", "BUNDLE 5 6"),
    "half a bundle": GOOD.replace("BUNDLE 0 1", "BUNDLE 1"),
    "passive": GOOD.replace("actpass", "passive"),
    "hold": GOOD.replace("actpass", "holdconn"),
    "sha-1": GOOD.replace("sha-256", "sha-1").replace(FINGERPRINT, FINGERPRINT[:59]),
    "no codec of ours": GOOD.replace("opus", "speex").replace("VP8", "VP9"),
    "apt of nothing": GOOD.replace("SAVPF 96", "SAVPF 96 97")
    + "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=12\r\n",
    "strange parameters": GOOD + "a=fmtp:96 ;;=;x\r\na=rtcp-fb:* x\r\na=ssrc:x\r\na=extmap:x\r\n",
}


@pytest.mark.parametrize("name", BENT)
def test_an_offer_is_answered_or_refused_and_nothing_is_left(run: Run, name: str) -> None:
    async def main() -> None:
        pc = PeerConnection(network=LOOPBACK, path=ReceivePath.NONE, on_event=lambda _: None)
        try:
            with suppress(OfferError, MediaError):
                offer = cut_to(
                    read_offer(BENT[name], GuestKind.SENT), {"audio": "opus", "video": "VP8"}
                )
                answer = await pc.answer(offer, audio=Tone(440), video=ClockPattern())
                assert "a=recvonly" not in answer
        finally:
            await pc.close()

    run(main)
