"""What a stream tells whoever owns it."""

from xml.etree.ElementTree import Element

from msgspec import Struct

from .stream_end import StreamEnd


class StreamOpened(Struct, frozen=True):
    """The stream is negotiated (RFC 6120 §4.3), or resumed (XEP-0198 §5)."""

    jid: str
    resumed: bool


class StreamClosed(Struct, frozen=True):
    """The stream that was open is gone."""

    end: StreamEnd


class StreamFailed(Struct, frozen=True):
    """The stream could not be opened."""

    end: StreamEnd


class StanzaReceived(Struct, frozen=True):
    """A stanza came in that the stream does not handle by itself."""

    stanza: Element


class RequestAnswered(Struct, frozen=True):
    """An IQ of ours was answered, or won't be.

    Attributes:
        about: what the asker gave to know the answer by.
        iq: of type result or error; None if there is no answer.
    """

    about: object
    iq: Element | None


class IqAnswered(Struct, frozen=True):
    """An IQ of ours was answered, with a result, an error, or not at all.

    Attributes:
        token: what the asker recognises the answer by.
        answer: the whole ``<iq/>``, of type ``result`` or ``error``; None if it timed out.
    """

    token: str
    answer: Element | None


StreamEvent = StreamOpened | StreamClosed | StreamFailed | StanzaReceived | RequestAnswered
