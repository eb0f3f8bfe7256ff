"""The features that an entity advertises (XEP-0030), so that clients show their call button."""

from . import namespaces as ns


def features(audio: bool, video: bool) -> tuple[str, ...]:
    """Return the features to advertise for what an account answers.

    Conversations looks for Jingle, ICE-UDP, RTP, DTLS and the media; Movim for the media and call
    messages. With RFC 3264 advertised, Conversations puts its candidates into its offer.

    Args:
        audio: Whether audio calls are answered.
        video: Whether video calls are answered.

    Returns:
        The names of the features; none if no call is answered.
    """
    if not audio and not video:
        return ()
    media = [ns.RTP_AUDIO, ns.DTMF] * audio + [ns.RTP_VIDEO] * video
    return (
        ns.JINGLE,
        ns.RTP,
        *media,
        ns.RTP_INFO,
        ns.RTP_FEEDBACK,
        ns.RTP_HEADER_EXTENSION,
        ns.ICE_UDP,
        ns.DTLS,
        ns.CALL_MESSAGE,
        ns.OFFER_ANSWER,
        "urn:ietf:rfc:5576",  # XEP-0339
        "urn:ietf:rfc:5888",  # XEP-0338
    )


FEATURES = features
