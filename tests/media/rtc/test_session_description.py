"""Descriptions taken apart and put together."""

import pytest
from callboard.media import DescriptionError
from callboard.media.rtc.session_description import SessionDescription

OFFER = (
    "v=0\r\ns=-\r\na=group:BUNDLE a v d\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:a\r\na=sendrecv\r\n"
    "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=sendrecv\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n"
)


def test_it_reads_as_it_was_written() -> None:
    assert str(SessionDescription(OFFER)) == OFFER
    assert str(SessionDescription(OFFER.replace("\r\n", "\n"))) == OFFER


def test_sections() -> None:
    audio, video, data = SessionDescription(OFFER).sections
    assert (audio.media_kind, video.media_kind, data.media_kind) == ("audio", "video", None)
    assert [s.rejected for s in (audio, video, data)] == [False, True, False]
    assert [s.mid for s in (audio, video, data)] == ["a", "v", "d"]


def test_remove_filter_refuse() -> None:
    description = SessionDescription(OFFER)
    refusal = description.sections[0].refusal()
    assert refusal.rejected
    assert refusal.mid == "a"
    description.filter(lambda candidate: not candidate.startswith("candidate:1 1 udp"))
    description.remove({1})
    text = str(description)
    assert "candidate" not in text
    assert "a=group:BUNDLE a d\r\n" in text
    assert "m=video" not in text


SEEN = """v=0
a=group:BUNDLE a v
m=audio 9 UDP/TLS/RTP/SAVPF 96
a=sendrecv
a=mid:a
a=rtpmap:96 opus/48000/2
a=ice-ufrag:ours
a=ice-pwd:oursoursoursoursoursours
a=candidate:1 1 udp 1 127.0.0.1 9 typ host
a=fingerprint:sha-256 00
a=setup:actpass
m=video 9 UDP/TLS/RTP/SAVPF 97
a=sendrecv
a=mid:v
a=rtpmap:97 VP8/90000
a=ice-ufrag:ours
a=ice-pwd:oursoursoursoursoursours
a=setup:actpass
"""


def test_what_was_seen_stays_in_its_place() -> None:
    answer = SessionDescription(SEEN.replace("ours", "them").replace("a=mid:a", "a=mid:new"))
    answer.bundle = ["new"]
    answer.sections.reverse()
    answer.find("v").lines[0] = "m=video 0 UDP/TLS/RTP/SAVPF 97"  # type: ignore[union-attr]
    answer.fit(["a", "v"], SessionDescription(SEEN))
    assert answer.mids() == ["a", "v", "new"]
    assert [section.rejected for section in answer.sections] == [True, True, False]
    assert answer.bundle == ["new", "a", "v"]
    for stub in answer.sections[:2]:
        assert stub.attribute("ice-ufrag") == "them"
        assert stub.attribute("fingerprint") == "sha-256 00"
        assert "a=inactive" in stub.lines
        assert not stub.candidates
    assert answer.sections[2].candidates == ["1 1 udp 1 127.0.0.1 9 typ host"]


def test_nothing_is_left_of_it() -> None:
    with pytest.raises(DescriptionError, match="no section"):
        SessionDescription(SEEN.replace(" 9 ", " 0 ")).fit(["a", "v"], SessionDescription(SEEN))
