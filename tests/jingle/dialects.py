"""Offers as other clients write them, in our own words after what their source says.

Each is legal Jingle or near it; what is particular to it stands in its comment. Addresses are those
of the documentation.
"""

from callboard.tests.jingle.samples import FINGERPRINT

ICE = "xmlns='urn:xmpp:jingle:transports:ice-udp:1'"
RTP = "xmlns='urn:xmpp:jingle:apps:rtp:1'"
DTLS = "urn:xmpp:jingle:apps:dtls:0"
CREDENTIALS = "ufrag='Wq1z' pwd='Zm9vYmFyYmF6cXV1eGZvb2Jh'"
SECURITY = f"<fingerprint xmlns='{DTLS}' hash='sha-256' setup='actpass'>{FINGERPRINT}</fingerprint>"
CANDIDATE = (
    "<candidate component='1' foundation='1' generation='0' id='k1' ip='192.0.2.7' network='1'"
    " port='50000' priority='2130706431' protocol='udp' type='host'/>"
)
OPUS = "<payload-type id='111' name='opus' clockrate='48000' channels='2'/>"
VP8 = "<payload-type id='100' name='VP8' clockrate='90000'/>"


def initiate(inner: str, attributes: str = "initiator='peer@example.org/x'") -> str:
    return (
        f"<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s' {attributes}>"
        f"{inner}</jingle>"
    )


def content(
    description: str,
    transport: str = SECURITY + CANDIDATE,
    *,
    name: str = "audio",
    media: str = "audio",
    attributes: str = "creator='initiator' senders='both'",
    credentials: str = CREDENTIALS,
) -> str:
    return (
        f"<content name='{name}' {attributes}>"
        f"<description {RTP} media='{media}'>{description}</description>"
        f"<transport {ICE} {credentials}>{transport}</transport></content>"
    )


# Jitsi's focus: rtcp-mux and a websocket stand in the transport, sources have names and owners,
# some have a rid and no ssrc, a simulcast group lists rids, data have no description, the group
# comes first.
JITSI = initiate(
    "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>"
    "<content name='audio'/><content name='video'/><content name='data'/></group>"
    + content(
        "<payload-type id='111' name='opus' clockrate='48000' channels='2'>"
        "<parameter name='minptime' value='10'/><parameter name='useinbandfec' value='1'/>"
        "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='transport-cc'/></payload-type>"
        "<payload-type id='126' name='telephone-event' clockrate='8000'/>"
        "<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1'"
        " uri='urn:ietf:params:rtp-hdrext:ssrc-audio-level'/>"
        "<extmap-allow-mixed xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0'/>"
        "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='2121' name='jvb-a0'>"
        "<ssrc-info xmlns='http://jitsi.org/jitmeet' owner='jvb'/>"
        "<parameter name='msid' value='mixedmslabel mixedlabelaudio0'/></source>",
        f"<rtcp-mux/>{SECURITY}<web-socket xmlns='http://jitsi.org/protocol/colibri' url='wss://x'/>"
        + CANDIDATE,
    )
    + content(
        "<payload-type id='100' name='VP8' clockrate='90000'>"
        "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='ccm' subtype='fir'/>"
        "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='nack' subtype='pli'/>"
        "</payload-type>"
        "<payload-type id='96' name='rtx' clockrate='90000'><parameter name='apt' value='100'/>"
        "</payload-type>"
        "<initial-last-n xmlns='jitsi:colibri2' value='5'/>"
        "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' rid='1'/>"
        "<rid-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='SIM'><source rid='1'/>"
        "</rid-group>"
        "<ssrc-group xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' semantics='SIM'><source rid='1'/>"
        "</ssrc-group>",
        f"<rtcp-mux/>{SECURITY}{CANDIDATE}",
        name="video",
        media="video",
    )
    + "<content name='data' creator='initiator' senders='both'>"
    f"<transport {ICE} {CREDENTIALS}>{SECURITY}"
    "<sctpmap xmlns='urn:xmpp:jingle:transports:dtls-sctp:1' number='5000'"
    " protocol='webrtc-datachannel' streams='1024'/></transport></content>"
)

# Tigase (Siskin, Beagle): bare parameters have an empty value, sources the number twice,
# feedback an id, bandwidth no value; the group comes last, no action but the first an initiator.
TIGASE = initiate(
    content(
        "<payload-type id='111' channels='2' name='opus' clockrate='48000'>"
        f"<parameter {RTP} name='useinbandfec' value='1'/>"
        "<rtcp-fb xmlns='urn:xmpp:jingle:apps:rtp:rtcp-fb:0' type='transport-cc' id='111'/>"
        "</payload-type>"
        "<payload-type id='63' channels='2' name='red' clockrate='48000'>"
        "<parameter name='111/111' value=''/></payload-type>"
        "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' ssrc='77' id='77'>"
        "<parameter name='cname' value='c'/><parameter name='msid' value='RTCmS audio0'/></source>"
        "<bandwidth type='AS'/><rtcp-mux/>",
        name="0",
    )
    + content(
        f"{VP8}<rtcp-mux/>",
        SECURITY + CANDIDATE,
        name="1",
        media="video",
        attributes="creator='initiator'",
    )
    + "<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'>"
    "<content name='0'/><content name='1'/></group>"
)

# Monal: the transport before the description, booleans in words, names with underscores, a
# misspelt rel_port, bandwidth in elements, payload types in any order.
MONAL = initiate(
    f"<content xmlns='urn:xmpp:jingle:1' creator='initiator' senders='both' name='0'>"
    f"<transport {ICE} {CREDENTIALS}><candidate {ICE} id='918273' component='1'"
    " foundation='1788214045' generation='0' ip='198.51.100.3' port='40000' priority='1686052607'"
    " protocol='udp' rel-addr='192.0.2.7' rel_port='50000' type='srflx'/>"
    f"{SECURITY}<trickle xmlns='http://gultsch.de/xmpp/drafts/jingle/transports/ice-udp/option'/>"
    f"</transport><description {RTP} media='audio'><rtcp-mux/>"
    "<bandwidth><type>AS</type><value>64</value></bandwidth>"
    "<payload-type id='110' name='telephone-event' clockrate='48000'/>"
    "<payload-type id='111' name='opus' clockrate='48000' channels='2'>"
    "<parameter name='useinbandfec' value='true'/><parameter name='minptime' value='10'/>"
    "</payload-type></description></content>"
)

# Movim, as far as its source is stored: directions of SDP at header extensions, sources numbered
# by "id", bare parameters without name, ptime at the description, UDP in capitals.
MOVIM = initiate(
    "<content creator='initiator' name='audio'>"
    f"<transport {ICE} {CREDENTIALS}>{SECURITY}"
    + CANDIDATE.replace("'udp'", "'UDP'").replace(" id='k1'", "").replace(" network='1'", "")
    + f"</transport><description {RTP} media='audio' ptime='20'>"
    "<bandwidth type='AS' value='64'/>"
    "<payload-type id='111' name='opus' clockrate='48000' channels='2'/>"
    "<payload-type id='101' name='telephone-event' clockrate='8000'><parameter value='0-16'/>"
    "</payload-type><rtcp-mux/>"
    "<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='1'"
    " uri='urn:ietf:params:rtp-hdrext:ssrc-audio-level' senders=''/>"
    "<rtp-hdrext xmlns='urn:xmpp:jingle:apps:rtp:rtp-hdrext:0' id='2' uri='urn:x'"
    " senders='sendonly'/>"
    "<source xmlns='urn:xmpp:jingle:apps:rtp:ssma:0' id='4711'>"
    "<parameter name='cname' value='c'/><parameter name='label' value=''/></source>"
    "<encryption><crypto crypto-suite='AES_CM_128_HMAC_SHA1_80' key-params='inline:x' tag='1'/>"
    "<zrtp-hash xmlns='urn:xmpp:jingle:apps:rtp:zrtp:1' version='1.10'>fe30</zrtp-hash>"
    "</encryption></description></content>",
    "initiator='peer@example.org/x' responder='bob@example.org'",
)

# Psi: rtcp-mux before the payload types' own, names "rtp-1", candidates without network.
PSI = initiate(
    content(
        f"{OPUS}<rtcp-mux/><x xmlns='urn:example:unknown'/>",
        SECURITY + CANDIDATE.replace(" network='1'", ""),
        name="rtp-1",
        attributes="creator='initiator'",
    )
)

# strophe.jingle and what grew out of it (Jappix, the first JSXC and stanza.io): a fingerprint of
# the draft, "required", refused media with senders of their own, everything in capitals or not.
STROPHE = initiate(
    content(
        "<payload-type id='111' name='OPUS' clockrate='48000' channels='2'/><rtcp-mux/>",
        "<fingerprint xmlns='urn:xmpp:tmp:jingle:apps:dtls:0' hash='SHA-256' required='1'>"
        f" {FINGERPRINT.lower()} </fingerprint>{CANDIDATE}",
    )
    + content(
        "<payload-type id='0'/>",
        "",
        name="spare",
        attributes="creator='initiator' senders='rejected'",
    ),
    "initiator='peer@example.org'",
)

# QXmpp with rtcp-mux: setup that is empty, parameters that are none of SDP's, no senders.
QXMPP = initiate(
    content(
        f"<rtcp-mux/>{OPUS}<payload-type id='101' name='telephone-event' clockrate='8000'>"
        "<parameter name='events' value='0-15'/></payload-type>",
        CANDIDATE + SECURITY.replace("'actpass'", "''"),
        attributes="creator='initiator' disposition='session'",
    ),
    "",
)

TAKEN = {
    "jitsi": JITSI,
    "tigase": TIGASE,
    "monal": MONAL,
    "movim": MOVIM,
    "psi": PSI,
    "strophe": STROPHE,
    "qxmpp": QXMPP,
}

_CRYPTO = (
    "<encryption required='1'><crypto crypto-suite='AES_CM_128_HMAC_SHA1_80' key-params='inline:x'"
    " tag='1'/></encryption>"
)
_OLD = "<payload-type id='0' name='PCMU' clockrate='8000'/><payload-type id='96' name='speex'/>"

REFUSED = {
    # Gajim: ICE, no DTLS.
    "farstream": (initiate(content(_OLD, CANDIDATE)), "security-error"),
    # Asterisk: an empty transport, all the rest in transport-info, no DTLS.
    "asterisk": (initiate(content(_OLD, "", credentials="")), "security-error"),
    # Pidgin, Telepathy and older Conversations' neighbours: keys in the description.
    "sdes": (initiate(content(_OLD + _CRYPTO, CANDIDATE)), "security-error"),
    # DTLS, but a second component for RTCP.
    "two components": (initiate(content(OPUS, SECURITY + CANDIDATE)), "incompatible-parameters"),
    # Google's own transport.
    "google": (
        initiate(
            f"<content name='audio' creator='initiator'><description {RTP} media='audio'>{OPUS}"
            "</description><transport xmlns='http://www.google.com/transport/p2p'/></content>"
        ),
        "unsupported-transports",
    ),
    # XEP-0371, as an older Psi offers it.
    "ice": (
        initiate(
            f"<content name='audio' creator='initiator'><description {RTP} media='audio'>{OPUS}"
            "<rtcp-mux/></description><transport xmlns='urn:xmpp:jingle:transports:ice:0'"
            f" {CREDENTIALS}>{SECURITY}</transport></content>"
        ),
        "unsupported-transports",
    ),
    "file": (
        initiate(
            "<content name='a file' creator='initiator' senders='initiator'>"
            "<description xmlns='urn:xmpp:jingle:apps:file-transfer:5'/>"
            "<transport xmlns='urn:xmpp:jingle:transports:ibb:1' sid='x'/></content>"
        ),
        "unsupported-applications",
    ),
}
