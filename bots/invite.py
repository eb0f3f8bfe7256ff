"""An invite to a call, as a bot sees it (XEP-0482)."""

from dataclasses import dataclass, field
from pathlib import Path

from ..actors.messages.account import AccountRef, AnswerInvite, Invitation, PlaceCall
from .address import Address
from .call import Call
from .own_account import ask
from .source import Playable, find_source
from .speaking import Synthesizer


@dataclass(frozen=True, slots=True)
class Invite:
    """Somebody invites to a Jingle call.

    Attributes:
        invitation: who invites, and to which session.
    """

    invitation: Invitation
    _account: AccountRef = field(repr=False)
    _folder: Path = field(repr=False)
    _synthesizer: Synthesizer | None = field(default=None, repr=False)

    @property
    def sender(self) -> Address:
        """The full JID of whoever sent the invite."""
        return Address(self.invitation.sender)

    @property
    def video(self) -> bool:
        """Whether the call is meant to have video."""
        return self.invitation.video

    async def accept(self, *, audio: Playable = "silence", video: Playable = None) -> Call:
        """Accept the invite, and call as it says. `Call.connected` waits for the answer.

        Args:
            audio: what to send: see `callboard.bots.source`; None calls without audio.
            video: what to show; None calls without video.

        Returns:
            The call, whose session is the one that the invite names.

        Raises:
            CallOver: the call ended at once.
            Offline: the account is not online, or it is about to log out.
            SourceError: there is no such source, or it can't be played.
            TypeError: an argument is of the wrong type.
            ValueError: there is neither audio nor video.
        """
        sounds = await find_source(audio, self._folder, "audio")
        shows = await find_source(video, self._folder, "video")
        if sounds is None and shows is None:
            raise ValueError("a call needs audio or video")
        self._account.post(AnswerInvite(self.invitation, accept=True))
        order = PlaceCall(
            self.invitation.jid, sounds, shows, message=False, sid=self.invitation.sid
        )
        placed = await ask(self._account, order)
        return await Call.of(await placed, self._folder, synthesizer=self._synthesizer)

    async def reject(self) -> None:
        """Reject the invite, and tell whoever sent it."""
        self._account.post(AnswerInvite(self.invitation, accept=False))
