"""The XML namespaces of the protocols that Callboard speaks, by XEP."""

JINGLE = "urn:xmpp:jingle:1"  # XEP-0166
ERRORS = "urn:xmpp:jingle:errors:1"  # XEP-0166 §10
RTP = "urn:xmpp:jingle:apps:rtp:1"  # XEP-0167
RTP_AUDIO = "urn:xmpp:jingle:apps:rtp:audio"
RTP_VIDEO = "urn:xmpp:jingle:apps:rtp:video"
RTP_INFO = "urn:xmpp:jingle:apps:rtp:info:1"
DTMF = "urn:xmpp:jingle:dtmf:0"  # XEP-0181
RTP_FEEDBACK = "urn:xmpp:jingle:apps:rtp:rtcp-fb:0"  # XEP-0293
RTP_HEADER_EXTENSION = "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0"  # XEP-0294
RTP_SOURCE = "urn:xmpp:jingle:apps:rtp:ssma:0"  # XEP-0339
RTP_MSID = "urn:xmpp:jingle:apps:rtp:msid:0"  # stanza.js, in no XEP
ICE_UDP = "urn:xmpp:jingle:transports:ice-udp:1"  # XEP-0176
RAW_UDP = "urn:xmpp:jingle:transports:raw-udp:1"  # XEP-0177
ICE = "urn:xmpp:jingle:transports:ice:0"  # XEP-0371, for <gathering-complete/>
DTLS = "urn:xmpp:jingle:apps:dtls:0"  # XEP-0320
DTLS_DRAFT = "urn:xmpp:tmp:jingle:apps:dtls:0"  # XEP-0320 before it had a number
GROUPING = "urn:xmpp:jingle:apps:grouping:0"  # XEP-0338
SCTP = "urn:xmpp:jingle:transports:dtls-sctp:1"  # XEP-0343
DATA_CHANNEL = "http://talky.io/ns/datachannel"  # stanza.js: a data channel as an application
CALL_MESSAGE = "urn:xmpp:jingle-message:0"  # XEP-0353
CALL_INVITE = "urn:xmpp:call-invites:0"  # XEP-0482
SERVICES = "urn:xmpp:extdisco:2"  # XEP-0215
OFFER_ANSWER = "urn:ietf:rfc:3264"  # makes Conversations put its candidates into the offer
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"  # RFC 6120 §8.3
