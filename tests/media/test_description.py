"""Descriptions taken apart and put together."""

from callboard.media.description import Description

OFFER = (
    "v=0\r\ns=-\r\na=group:BUNDLE a v d\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:a\r\na=sendrecv\r\n"
    "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"
    "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=sendrecv\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:d\r\n"
)


def test_it_reads_as_it_was_written() -> None:
    assert str(Description(OFFER)) == OFFER
    assert str(Description(OFFER.replace("\r\n", "\n"))) == OFFER


def test_sections() -> None:
    audio, video, data = Description(OFFER).sections
    assert (audio.media_kind, video.media_kind, data.media_kind) == ("audio", "video", None)
    assert [s.rejected for s in (audio, video, data)] == [False, True, False]
    assert [s.mid for s in (audio, video, data)] == ["a", "v", "d"]


def test_remove_filter_refuse() -> None:
    description = Description(OFFER)
    refusal = description.sections[0].refusal()
    assert refusal.rejected
    assert refusal.mid == "a"
    description.filter(lambda candidate: not candidate.startswith("candidate:1 1 udp"))
    description.remove({1})
    description.sections[0].silence()
    text = str(description)
    assert "candidate" not in text
    assert "a=group:BUNDLE a d\r\n" in text
    assert "m=video" not in text
    assert "sendrecv" not in text
