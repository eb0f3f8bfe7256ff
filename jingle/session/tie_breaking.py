"""Which party gives way when both start at once (XEP-0166 §7.2.16, XEP-0353 §5)."""


def tie_break(our_sid: str, their_sid: str, our_jid: str, their_jid: str) -> bool:
    """Decide between two sessions, or two proposals, that cross on the wire.

    The lower session id wins, compared byte by byte (``i;octet``); with equal ids the lower JID.

    Args:
        our_sid: Id of the session that we asked for.
        their_sid: Id of theirs.
        our_jid: Bare JID of ours.
        their_jid: Bare JID of theirs.

    Returns:
        True if ours wins: refuse theirs. False: give ours up.
    """
    ours = (our_sid.encode(errors="replace"), our_jid.encode(errors="replace"))
    theirs = (their_sid.encode(errors="replace"), their_jid.encode(errors="replace"))
    return ours < theirs
