"""Small descriptions and stanzas of our own making."""

from xml.etree import ElementTree as ET

FINGERPRINT = ":".join(["AB"] * 32)
OTHER_FINGERPRINT = ":".join(["CD"] * 32)

AUDIO = f"""\
m=audio 50000 UDP/TLS/RTP/SAVPF 111 0 63
c=IN IP4 192.0.2.1
b=AS:64
a=mid:0
a=ice-ufrag:uf+r
a=ice-pwd:pwpwpwpwpwpwpwpwpwpwpw
a=fingerprint:sha-256 {FINGERPRINT}
a=fingerprint:sha-512 {":".join(["EF"] * 64)}
a=setup:actpass
a=candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host
a=candidate:2 2 udp 2130706430 192.0.2.1 50001 typ host
a=candidate:3 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active
a=candidate:4 1 udp 1694498815 198.51.100.1 40000 typ srflx raddr 192.0.2.1 rport 50000
a=candidate:5 1 udp 2130706431 1c9d.local 50002 typ host
a=end-of-candidates
a=sendonly
a=rtcp-mux
a=rtcp-rsize
a=extmap-allow-mixed
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2/recvonly urn:example:gps
a=msid:stream track
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=ssrc:1001 cname:somebody
a=ssrc:1001 msid:stream track
"""

VIDEO = f"""\
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=mid:1
a=ice-ufrag:uf+r
a=ice-pwd:pwpwpwpwpwpwpwpwpwpwpw
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=sendrecv
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:* nack
a=rtcp-fb:96 nack pli
a=rtcp-fb:96 trr-int 100
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=ssrc-group:FID 2001 2002
a=ssrc:2001 cname:somebody
a=ssrc:2002 cname:somebody
"""

DATA = f"""\
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=mid:2
a=ice-ufrag:uf+r
a=ice-pwd:pwpwpwpwpwpwpwpwpwpwpw
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=sctp-port:5000
a=max-message-size:65536
"""


def sdp(*media: str, bundle: bool = True) -> str:
    """A session description of some of the media above."""
    mids = [line[6:] for each in media for line in each.splitlines() if line.startswith("a=mid:")]
    group = f"a=group:BUNDLE {' '.join(mids)}\n" if bundle and mids else ""
    text = f"v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nt=0 0\n{group}{''.join(media)}"
    return text.replace("\n", "\r\n")


def answer(text: str) -> str:
    """The same as if the other side had answered with it."""
    return (
        text.replace("actpass", "active")
        .replace(FINGERPRINT, OTHER_FINGERPRINT)
        .replace("uf+r", "theirs")
        .replace("sendonly", "recvonly")
    )


def jingle(action: str, inner: str = "", sid: str = "s") -> ET.Element:
    """A <jingle/> with its content written as text; prefixes stand for the namespaces."""
    return ET.fromstring(
        f"<jingle xmlns='urn:xmpp:jingle:1' action='{action}' sid='{sid}'"
        " xmlns:rtp='urn:xmpp:jingle:apps:rtp:1'"
        " xmlns:info='urn:xmpp:jingle:apps:rtp:info:1'"
        " xmlns:ice='urn:xmpp:jingle:transports:ice-udp:1'"
        " xmlns:raw='urn:xmpp:jingle:transports:raw-udp:1'"
        " xmlns:dtls='urn:xmpp:jingle:apps:dtls:0'"
        f">{inner}</jingle>"
    )


def fingerprint(setup: str = "actpass", value: str = FINGERPRINT) -> str:
    return f"<dtls:fingerprint hash='sha-256' setup='{setup}'>{value}</dtls:fingerprint>"


def content(
    name: str = "0",
    *,
    media: str = "audio",
    codecs: str = "<rtp:payload-type id='111' name='opus' clockrate='48000' channels='2'/>",
    mux: str = "<rtp:rtcp-mux/>",
    ice: str = "",
    security: str = fingerprint(),
    credentials: str = "ufrag='uuuu' pwd='pppppppppppppppppppppp'",
    attributes: str = "creator='initiator'",
) -> str:
    """A <content/> that is acceptable unless told otherwise."""
    return (
        f"<content name='{name}' {attributes}>"
        f"<rtp:description media='{media}'>{codecs}{mux}</rtp:description>"
        f"<ice:transport {credentials}>{security}{ice}</ice:transport></content>"
    )


def candidate(
    ip: str = "192.0.2.7", port: int = 5000, protocol: str = "udp", component: int = 1
) -> str:
    return (
        f"<ice:candidate component='{component}' foundation='f' ip='{ip}' port='{port}'"
        f" priority='1' protocol='{protocol}' type='host'/>"
    )


def trickle(name: str = "0", credentials: str = "ufrag='uuuu'", inner: str = "") -> ET.Element:
    return jingle(
        "transport-info",
        f"<content name='{name}' creator='initiator'>"
        f"<ice:transport {credentials}>{inner}</ice:transport></content>",
    )
