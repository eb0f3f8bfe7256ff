"""An offer, cut to the one codec of each kind that we have for it."""

from collections.abc import Mapping

from ..frames.frame import Kind
from .session_description import SessionDescription


def cut_to(offer: str, codecs: Mapping[Kind, str]) -> str:
    """Cut an offer, so that its answer can name nothing else.

    Args:
        offer: A description, as SDP.
        codecs: The RTP encoding name of the codec of each kind.

    Returns:
        The offer with no codec but these, and what repairs them (RFC 4588). Sections that offer
        none of them are refused, as are those of other kinds, and a second one of a kind.
    """
    description = SessionDescription(offer)
    wanted = dict(codecs)
    for section in description.sections:
        kind = section.media_kind
        codec = None if kind is None else wanted.get(kind)
        if kind is None or codec is None or not section.keep_codec(codec):
            section.refuse()
        else:
            del wanted[kind]
    return str(description)
