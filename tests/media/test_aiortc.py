"""Fails when a private name of aiortc that media/_aiortc.py uses has moved."""

import inspect

import pytest
from aiortc import RTCPeerConnection, RTCRtpReceiver, RTCRtpSender
from aiortc.rtcdtlstransport import RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceGatherer
from aiortc.rtcrtpreceiver import decoder_worker
from callboard.media import _aiortc
from callboard.media.errors import DescriptionError
from callboard.tests.conftest import Run


def test_the_names_are_where_they_were(run: Run) -> None:
    async def main() -> None:
        pc = RTCPeerConnection()
        transceiver = pc.addTransceiver("video")
        receiver, sender = transceiver.receiver, transceiver.sender
        assert hasattr(transceiver, _aiortc.TRANSCEIVER_CODECS)
        assert hasattr(pc, _aiortc.CONNECT)
        for name in (
            _aiortc.DECODER_QUEUE,
            _aiortc.ESTIMATOR,
            _aiortc.HANDLE_RTP,
            _aiortc.REMOTE_STREAMS,
            _aiortc.SEND_PLI,
            _aiortc.TIMESTAMP_MAPPER,
        ):
            assert hasattr(receiver, name), name
        for name in (_aiortc.PACKET_COUNT, _aiortc.ROUND_TRIP, _aiortc.SEND_KEYFRAME):
            assert hasattr(sender, name), name
        assert getattr(receiver.transport, _aiortc.SSL) is None
        assert hasattr(receiver.transport, _aiortc.HANDLE_RTP_DATA)
        assert not hasattr(receiver.transport, _aiortc.EARLY)  # the name is still ours
        assert len(_aiortc.ice_connections(pc)) == 1
        assert _aiortc.packets_sent(sender) == 0
        assert _aiortc.round_trip(sender) is None
        await pc.close()

    run(main)


def test_they_are_used_as_we_think() -> None:
    queue = "self.__decoder_queue"
    receiver = inspect.getsource(RTCRtpReceiver)
    assert f"{queue}.put((codec, encoded_frame))" in receiver
    assert f"{queue}.put(None)" in receiver
    assert "self.__timestamp_mapper.map(" in receiver
    assert "self.__remote_streams[packet.ssrc].add(packet)" in receiver
    assert "await self._handle_rtp_data(data, arrival_time_ms=" in inspect.getsource(
        RTCDtlsTransport
    )
    assert "if packet.payload:" in receiver  # an empty payload is counted, not depacketised
    assert "task = input_q.get()\n        if task is None:" in inspect.getsource(decoder_worker)
    sender = inspect.getsource(RTCRtpSender)
    assert "self._send_keyframe()" in sender
    assert "payloads, timestamp = self.__encoder.pack(data)" in sender
    assert "await receiver._handle_rtp_packet(packet, arrival_time_ms=" in inspect.getsource(
        RTCDtlsTransport
    )
    connection = inspect.getsource(RTCPeerConnection)
    assert connection.count("asyncio.ensure_future(self.__connect())") == 2
    assert "self._connection = Connection(" in inspect.getsource(RTCIceGatherer)


def test_a_text_that_is_no_description() -> None:
    with pytest.raises(DescriptionError):
        _aiortc.has_common_codec("v=0\r\n", 0)


def test_what_a_new_offer_needs_is_where_it_was(run: Run) -> None:
    async def main() -> None:
        pc = RTCPeerConnection()
        transceiver = pc.addTransceiver("audio")
        for name in (_aiortc.EXTENSIONS, _aiortc.SET_LINE, _aiortc.SET_MID):
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
