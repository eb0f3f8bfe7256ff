"""Which party gives way when both start at once (XEP-0166 §7.2.16, XEP-0353 §5)."""


def tie_break(our_sid: str, their_sid: str, our_jid: str, their_jid: str) -> bool:
    """Decide between two sessions, or two proposals, that cross on the wire.

    The lower session id wins, compared byte by byte (``i;octet``); if equal, the lower JID.

    Args:
        our_sid: The id of our session.
        their_sid: The id of theirs.
        our_jid: Our bare JID.
        their_jid: Their bare JID.

    Returns:
        True if ours wins, so refuse theirs; False if we must give ours up.
    """
    ours = (our_sid.encode(errors="replace"), our_jid.encode(errors="replace"))
    theirs = (their_sid.encode(errors="replace"), their_jid.encode(errors="replace"))
    return ours < theirs
