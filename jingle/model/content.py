"""One content of a session: what it carries, how, and who sends (XEP-0166 §7.3)."""

from msgspec import Struct

from .application import Application, DataChannelApplication, Rtp
from .role import Role, Senders
from .transport import IceTransport, Transport


class Content(Struct, frozen=True):
    """A media section of SDP, a ``<content/>`` of Jingle.

    Attributes:
        name: Unique in the session; the ``a=mid:`` of SDP.
        creator: Who first offered it.
        senders: Who sends; a missing ``senders`` means both.
        application: What is carried; None where an action names only the content.
        transport: How it travels; None likewise.
        rejected: Refused or removed: a media section with port 0.
    """

    name: str
    creator: Role = Role.INITIATOR
    senders: Senders = Senders.BOTH
    application: Application | None = None
    transport: Transport | None = None
    rejected: bool = False

    @property
    def kind(self) -> str:
        """The word of SDP's m-line: audio, video or application."""
        if isinstance(self.application, Rtp):
            return self.application.kind
        return "application"

    @property
    def supported(self) -> bool:
        """Whether both application and transport are ones that SDP and we can carry."""
        if not isinstance(self.transport, IceTransport):
            return False
        if isinstance(self.application, Rtp):
            return any(each.usable for each in self.application.codecs)
        return isinstance(self.application, DataChannelApplication)
