"""A source that sends back what comes in."""

from .forwarded import Forwarded


class Echo(Forwarded):
    """Sends back what the leg itself receives, frame by frame, without decoding or encoding.

    Needs the receive path `packets` or `frames`. A peer may switch between the negotiated codecs at
    any time; frames in another codec than ours are left out.
    """

    def __init__(self) -> None:
        super().__init__()

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
