"""One peer connection: negotiation, ICE, DTLS, RTP in and out, statistics."""
