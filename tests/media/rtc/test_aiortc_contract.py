"""Fails when a private name of aiortc that media/rtc/_aiortc uses has moved."""

import asyncio
import inspect

import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.codecs import CODECS, HEADER_EXTENSIONS
from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport, State
from aiortc.rtcicetransport import RTCIceGatherer, RTCIceTransport
from aiortc.rtcpeerconnection import find_common_codecs
from aiortc.sdp import SessionDescription
from callboard.media.errors import DescriptionError
from callboard.media.frames.codec import CLOCK_RATES
from callboard.media.rtc import _aiortc
from callboard.media.rtc._aiortc import (
    bit_rate,
    descriptions,
    inbound,
    receivers,
    report_way,
    senders,
    transports,
    way_out,
)
from callboard.tests.conftest import Run

PROFILE = "profile-level-id="


def test_the_names_are_where_they_were(run: Run) -> None:
    async def main() -> None:
        pc = RTCPeerConnection()
        transceiver = pc.addTransceiver("video")
        receiver, sender = transceiver.receiver, transceiver.sender
        assert hasattr(transceiver, descriptions.TRANSCEIVER_CODECS)
        assert hasattr(transceiver, transports.BUNDLED)
        for name in (transports.CONNECT, descriptions.LOCAL, descriptions.REMOTE):
            assert callable(getattr(pc, name)), name
        assert isinstance(getattr(pc, descriptions.CNAME), str)
        for name in (descriptions.SSRC, descriptions.STREAM_ID, descriptions.TRACK_ID):
            assert hasattr(sender, name), name
        for name in (
            receivers.CODECS,
            receivers.HANDLE_RTP,
            receivers.RTCP_TASK,
            receivers.STARTED,
        ):
            assert hasattr(receiver, name), name
        extensions = getattr(receiver.transport, bit_rate.EXTENSIONS_MAP)
        assert getattr(extensions, bit_rate.EXTENSION_IDS).abs_send_time is None
        for name in (
            senders.EXTENSIONS_MAP,
            senders.MID,
            senders.REPAIR_SSRC,
            senders.REPAIR_TYPE,
            senders.RTP_EXITED,
            senders.RTP_STARTED,
            senders.RUN_RTP,
            senders.SSRC,
            way_out.ENABLED,
            way_out.TRANSPORT,
        ):
            assert hasattr(sender, name), name
        for name in (inbound.SRTP_IN, transports.SRTP_OUT, transports.SSL):
            assert getattr(receiver.transport, name) is None, name
        assert getattr(receiver.transport, transports.STATE) is State.NEW
        assert getattr(receiver.transport, way_out.ICE) is receiver.transport.transport
        assert getattr(sender, way_out.TRANSPORT) is sender.transport
        assert len(_aiortc.ice_connections(pc)) == 1
        await pc.close()

    run(main)


def test_they_are_used_as_we_think() -> None:
    receiver = inspect.getsource(RTCRtpReceiver.receive)
    # In whose place ours stands: it does the same, but starts no decoder.
    for known in (
        "if not self.__started:",
        "self.__codecs[codec.payloadType] = codec",
        "self.__transport._register_rtp_receiver(self, parameters)",
        "self.__rtcp_task = asyncio.ensure_future(self._run_rtcp())",
        "self.__started = True",
    ):
        assert known in receiver, known
    assert "if self.__decoder_thread:\n" in inspect.getsource(RTCRtpReceiver)
    sender = inspect.getsource(RTCRtpSender)
    # Where a done future stands in the task's place: there is none.
    assert "self.__rtp_task = asyncio.ensure_future(self._run_rtp(parameters.codecs[0]))" in sender
    before = sender.partition("self._run_rtp(parameters")[0]
    for known in ("self.__mid = parameters.muxId", "self.__rtx_payload_type = codec.payloadType"):
        assert known in before, known
    assert "await asyncio.gather(self.__rtp_started.wait(), self.__rtcp_started.wait())" in sender
    assert "await asyncio.gather(self.__rtp_exited.wait(), self.__rtcp_exited.wait())" in sender
    dtls = inspect.getsource(RTCDtlsTransport)
    assert "await receiver._handle_rtp_packet(packet, arrival_time_ms=" in dtls
    assert "data = self._tx_srtp.protect(data)" in dtls
    assert "data = self._rx_srtp.unprotect(data)" in dtls
    connection = inspect.getsource(RTCPeerConnection)
    assert "transceiver.mid in slaveMids and not transceiver._bundled" in connection
    assert "and not self.__sctp._bundled" in connection
    assert connection.count("asyncio.ensure_future(self.__connect())") == 2
    assert "self._connection = Connection(" in inspect.getsource(RTCIceGatherer)


def test_telephone_events_are_ours_to_agree_on(run: Run) -> None:
    """aiortc leaves out what it does not know, and of what it is given it sends the first."""

    async def main() -> None:
        theirs, ours = RTCPeerConnection(), RTCPeerConnection()
        theirs.addTransceiver("audio")
        offer = await _aiortc.create_offer(theirs)
        assert "telephone-event/48000" in offer.sdp
        await ours.setRemoteDescription(offer)
        [transceiver] = ours.getTransceivers()
        names = [codec.name for codec in _aiortc.codecs(transceiver).values()]
        assert "telephone-event" not in names
        _aiortc.agree_on_events(ours)
        [*before, one, other] = [each.name for each in _aiortc.codecs(transceiver).values()]
        assert (before, one, other) == (names, "telephone-event", "telephone-event")
        await theirs.close()
        await ours.close()

    run(main)
    assert "self._run_rtp(parameters.codecs[0])" in inspect.getsource(RTCRtpSender)


def test_what_a_packet_says_of_itself() -> None:
    # What `PacketOutlet` writes into each packet of video, and makes room for.
    offered = {extension.uri.rpartition("/")[2] for extension in HEADER_EXTENSIONS["video"]}
    assert offered == {"abs-send-time", "urn:ietf:params:rtp-hdrext:sdes:mid"}


def test_only_whole_h264_is_negotiated() -> None:
    """`cut` fragments NAL units, which packetization-mode 0 does not allow (RFC 6184 §6.2)."""
    modes = {
        codec.parameters["packetization-mode"] for codec in CODECS["video"] if codec.name == "H264"
    }
    assert modes == {"1"}


def test_no_feedback_is_negotiated_that_is_not_heard() -> None:
    known = {
        f"{each.type} {each.parameter or ''}".strip() for each in CODECS["video"][0].rtcpFeedback
    }
    assert known == {"nack", "nack pli", "goog-remb"}


def test_audio_says_nothing_but_its_mid_in_each_packet() -> None:
    # What else an extension of audio's may say changes from packet to packet, and so isn't sent.
    offered = {extension.uri.rpartition(":")[2] for extension in HEADER_EXTENSIONS["audio"]}
    assert offered == {"mid", "ssrc-audio-level"}


def test_a_text_that_is_no_description() -> None:
    with pytest.raises(DescriptionError):
        _aiortc.has_common_codec(["v=0"])


@pytest.mark.parametrize(
    ("kind", "codecs", "has"),
    [
        ("audio", ("rtpmap:96 opus/48000/2",), True),
        ("audio", ("rtpmap:96 OPUS/48000/2",), True),
        ("audio", ("rtpmap:96 opus/16000",), False),
        ("audio", ("rtpmap:0 PCMU/8000",), True),
        ("audio", ("rtpmap:9 G722/8000",), False),
        ("audio", ("rtpmap:96 telephone-event/8000",), False),
        ("audio", ("rtpmap:96 VP8/90000",), False),
        ("audio", (), False),
        ("video", ("rtpmap:96 VP8/90000",), True),
        ("video", ("rtpmap:96 opus/48000/2",), False),
        ("video", ("rtpmap:96 H264/90000", f"fmtp:96 packetization-mode=1;{PROFILE}42e01f"), True),
        ("video", ("rtpmap:96 H264/90000", f"fmtp:96 packetization-mode=1;{PROFILE}640032"), False),
        ("video", ("rtpmap:96 H265/90000", "rtpmap:97 vp8/90000"), True),
        ("application", (), True),
    ],
)
def test_which_sections_aiortc_takes(kind: str, codecs: tuple[str, ...], has: bool) -> None:
    lines = [f"m={kind} 9 UDP/TLS/RTP/SAVPF 96", *(f"a={line}" for line in codecs)]
    assert _aiortc.has_common_codec(lines) is has
    if kind != "application":  # as aiortc says when it reads all of it
        [media] = SessionDescription.parse("\r\n".join(lines)).media
        known = [codec for codec in CODECS[kind] if codec.name in CLOCK_RATES]
        assert bool(find_common_codecs(known, media.rtp.codecs)) is has


@pytest.mark.parametrize(
    "kinds", [("audio",), ("video",), ("audio", "video"), ("video", "audio")], ids=str
)
def test_keys_are_offered_behind_the_codecs_of_sound(run: Run, kinds: tuple[str, ...]) -> None:
    async def main() -> None:
        pc = RTCPeerConnection()
        for kind in kinds:
            pc.addTransceiver(kind)
        pc.createDataChannel("data")
        plain = SessionDescription.parse((await pc.createOffer()).sdp)
        offer = await _aiortc.create_offer(pc)
        read = SessionDescription.parse(offer.sdp)
        for media, before in zip(read.media, plain.media, strict=True):
            keys = [(110, "telephone-event", 48000), (126, "telephone-event", 8000)]
            more = keys if media.kind == "audio" else []
            named = [(each.payloadType, each.name, each.clockRate) for each in media.rtp.codecs]
            assert named[len(before.rtp.codecs) :] == more
            assert media.fmt == [*before.fmt, *(number for number, *_ in more)]
            media.rtp.codecs, media.fmt = before.rtp.codecs, before.fmt
        assert str(read) == str(plain)
        await pc.close()

    run(main)


def test_what_a_new_offer_needs_is_where_it_was(run: Run) -> None:
    async def main() -> None:
        pc = RTCPeerConnection()
        transceiver = pc.addTransceiver("audio")
        for name in (descriptions.EXTENSIONS, descriptions.SET_LINE, descriptions.SET_MID):
            assert hasattr(transceiver, name), name
        assert _aiortc.dtls_role(transceiver.receiver.transport) == "auto"
        await pc.close()

    run(main)
    offer = inspect.getsource(RTCPeerConnection.createOffer)
    assert "transceiver._codecs = filter_preferred_codecs(" in offer
    assert "transceiver._headerExtensions = HEADER_EXTENSIONS" in offer
    local = inspect.getsource(RTCPeerConnection.setLocalDescription)
    assert "transceiver._set_mid(mid)" in local  # the mid of a changed description counts
    assert "__getTransceiverByMLineIndex(i)" in local
    answer = inspect.getsource(RTCPeerConnection.createAnswer)
    assert "media.dtls.role = dtlsTransport._role" in answer


def test_guards_use_the_names_as_we_think() -> None:
    source = inspect.getsource(RTCDtlsTransport)
    assert source.count("await self._recv_next()") == 2
    assert "data = await self.transport._recv()" in source
    assert "self._ssl.bio_write(data)" in source
    assert "data = self._ssl.recv(1500)" in source  # one record for each datagram
    assert "self._task.cancel()\n            self._task = None" in source
    assert "self._recv = self._connection.recv" in inspect.getsource(RTCIceTransport)
    # Our table of cipher suites (RFC 8422 §6, RFC 5289 §3.1, RFC 7905 §2).
    offered = (
        'b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:'
        'ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA"'
    )
    assert offered in inspect.getsource(RTCCertificate)


def test_budgets_use_the_names_as_we_think(run: Run) -> None:
    async def main() -> None:
        pc = RTCPeerConnection()
        transceiver = pc.addTransceiver("video")
        assert hasattr(transceiver.receiver.transport, inbound.ROUTER)
        await pc.close()

    run(main)
    dtls = inspect.getsource(RTCDtlsTransport)
    assert "self._setup_srtp()" in dtls
    assert "data = self._rx_srtp.unprotect_rtcp(data)" in dtls
    assert "except pylibsrtp.Error as exc:" in dtls


def test_reports_use_the_names_as_we_think(run: Run) -> None:
    async def main() -> None:
        pc = RTCPeerConnection()
        transceiver = pc.addTransceiver("video")
        ends = (
            (transceiver.sender, report_way.SENDER_STARTED, report_way.SENDER_EXITED),
            (transceiver.receiver, report_way.RECEIVER_STARTED, report_way.RECEIVER_EXITED),
        )
        for end, *events in ends:
            assert hasattr(end, report_way.RUN_RTCP)
            assert all(isinstance(getattr(end, event), asyncio.Event) for event in events)
        assert getattr(transceiver.sender, report_way.CNAME) is None
        assert hasattr(transceiver.sender, report_way.SSRC)
        assert hasattr(transceiver.receiver.transport, report_way.HANDLE_RTCP)
        await pc.close()

    run(main)
    assert "await self._handle_rtcp_data(data)" in inspect.getsource(RTCDtlsTransport)
    sender, receiver = inspect.getsource(RTCRtpSender), inspect.getsource(RTCRtpReceiver)
    # Where a done future stands in the task's place: there is none.
    for end in (sender, receiver):
        assert "self.__rtcp_task = asyncio.ensure_future(self._run_rtcp())" in end
        before, _, after = end.partition("self._run_rtcp())")
        assert "self.__transport._register_rtp_" in before
        assert "await self.__rtcp_exited.wait()" in after or "__rtcp_exited.wait())" in after
    assert "self.__cname = parameters.rtcp.cname" in sender.partition("self._run_rtcp())")[0]
