"""The offer of a page, held to what a peer's is held to."""

import re

from ...jingle import Action, LocalProtocolError, RemoteProtocolError, Role, to_sdp
from ...jingle.model.application import Rtp
from ...jingle.model.content_names import names_of
from ...jingle.model.description import Description
from ...jingle.model.role import Senders
from ...jingle.sdp.reader import read_sdp
from ...jingle.xml.writer import write_jingle
from ..messages.call import GuestKind, OfferError

#: Characters of an offer. A browser's with every codec has some 8,000.
MOST = 64 * 1024
_MID = re.compile(r"(?m)^a=mid:(\S+)")
#: Who sends by an offer that does nothing but what is meant by it.
_SENDERS = {True: (Senders.INITIATOR, "send"), False: (Senders.RESPONDER, "receive")}


def read_offer(sdp: str, kind: GuestKind) -> str:
    """Read a page's offer, and write it anew: only what was understood is left of it.

    It goes the way of a peer's: as Jingle, whose readers know all limits (`jingle.model.limits`).

    Args:
        sdp: the offer (RFC 8829).
        kind: what the page is to do.

    Returns:
        The offer, for a peer connection.

    Raises:
        OfferError: it can't be used; the message is a sentence that says what would do.
    """
    if len(sdp) > MOST:
        raise OfferError(f"the offer has more than {MOST:,} characters: offer fewer codecs")
    try:
        description = read_sdp(sdp, Role.INITIATOR)
        _check(description, kind)
        names = description.names()
        if any(name != mid for mid, name in names_of(names).items()):
            raise OfferError("the mids of the offer are no tokens of up to 16 characters")
        jingle = write_jingle(Action.SESSION_INITIATE, "page", description)
        offer = to_sdp(jingle, role=Role.INITIATOR)
        if tuple(_MID.findall(offer)) != names:
            raise OfferError("a section of the offer can't be taken: offer what browsers offer")
    except (LocalProtocolError, RemoteProtocolError, ValueError) as error:
        if isinstance(error, OfferError):
            raise
        raise OfferError(f"the offer can't be used: {error}") from None
    return offer


def _check(description: Description, kind: GuestKind) -> None:
    """See that an offer is of audio, of video, or of one of both, and one way."""
    contents = description.contents
    kinds = [each.application.kind for each in contents if isinstance(each.application, Rtp)]
    if not kinds or len(kinds) < len(contents) or len(kinds) > len(set(kinds)):
        raise OfferError("offer one section of audio, or one of video, or one of each")
    if kind.talks and "audio" not in kinds:
        raise OfferError("who talks needs a microphone: offer audio")
    senders, word = _SENDERS[kind.talks]
    if any(each.senders is not senders or each.rejected for each in contents):
        raise OfferError(f"offer to {word} only: a={word.replace('receive', 'recv')}only")
