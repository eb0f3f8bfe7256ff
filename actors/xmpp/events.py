"""What a stream tells whoever owns it."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from .stream_end import StreamEnd


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """The stream is negotiated (RFC 6120 §4.3), or resumed (XEP-0198 §5)."""

    jid: str
    resumed: bool


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The stream that was open is gone."""

    end: StreamEnd


@dataclass(frozen=True, slots=True)
class StreamFailed:
    """The stream could not be opened."""

    end: StreamEnd


@dataclass(frozen=True, slots=True)
class StanzaReceived:
    """A stanza came in that the stream does not handle by itself."""

    stanza: Element


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """An IQ of ours was answered, or won't be.

    Attributes:
        about: what the asker gave to know the answer by.
        iq: of type result or error; None if there is no answer.
    """

    about: object
    iq: Element | None


@dataclass(frozen=True, slots=True)
class IqAnswered:
    """An IQ of ours was answered, with a result, an error, or not at all.

    Attributes:
        token: what the asker recognises the answer by.
        answer: the whole ``<iq/>``, of type ``result`` or ``error``; None if it timed out.
    """

    token: str
    answer: Element | None


StreamEvent = StreamOpened | StreamClosed | StreamFailed | StanzaReceived | RequestAnswered
