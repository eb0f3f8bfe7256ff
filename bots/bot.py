"""The class that a bot author writes a subclass of."""

import logging
import secrets
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, ClassVar

from ..actors.messages.account import (
    AccountRef,
    GetRoster,
    Offline,
    PlaceCall,
    SendInvite,
    SendText,
    SetPresence,
)
from ..actors.xmpp.contact import Contact
from . import argument_checks
from .address import Address
from .blame import MADE
from .call import Call, codecs_of
from .invite import Invite
from .message import Message, answered_by
from .options import Options
from .own_account import ask
from .presence import Presence
from .source import Playable, find_source
from .speaking import Synthesizer


class AccountLog(logging.LoggerAdapter[logging.Logger]):
    """A logger whose records have an ``account``."""

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the account to what else a record is given."""
        return msg, {**kwargs, "extra": {**(kwargs.get("extra") or {}), **(self.extra or {})}}


class Bot:
    """What an account does. Override the methods for what it should react to.

    Each ``on_…`` is a coroutine and runs in a task of its own. One peer's messages come one after
    another, and so do its presences and its invites; calls run side by side. An exception from a
    method is logged with the bot's name and account. From `on_call`, it also ends that call.

    Attributes:
        path: how its calls receive media: ``packets``, or ``none`` to count it only; ``frames`` is
            the same as ``packets``. None means what the YAML file says.
        synthesizer: what speaks for `Call.say`; None means espeak-ng.
        account: the bare JID.
        options: the account's ``options`` from the YAML file.
        folder: the YAML file's folder, where relative paths begin.
        log: a logger whose lines have the bot's name and the account.
        is_replaced: another bot has taken over, after a reload. This one sees its calls to their
            end, and can begin none.
    """

    path: ClassVar[str | None] = None
    synthesizer: Synthesizer | None = None

    def __init__(
        self,
        ref: AccountRef | None,
        account: str,
        options: Mapping[str, Any],
        folder: Path,
    ) -> None:
        """Create the bot. This happens once for each account, before it logs in.

        ``callboard check`` creates each bot too, to find what is wrong with its options. So start
        nothing here: that is for `on_start`.

        Args:
            ref: the account's actor; None in a check.
            account: the bare JID.
            options: the account's ``options`` from the YAML file.
            folder: the YAML file's folder.

        Raises:
            OptionsError: the options can't be used.
        """
        MADE[id(self)] = self
        self._ref: AccountRef = ref  # type: ignore[assignment] # nothing is done in a check
        self.account = Address(account)
        self.options = options
        self.folder = folder
        self.is_replaced = False
        log = logging.getLogger(f"callboard.bots.{type(self).__name__}")
        self.log = AccountLog(log, {"account": account})
        given = Options(options, folder)
        self.read_options(given)
        given.check()

    def read_options(self, options: Options) -> None:
        """Read the account's options into attributes. Called once, when the bot is created.

        A bot that does not override this takes any options, and finds them in `self.options`.
        ``callboard check`` reports wrong and unknown options with their lines.

        Args:
            options: the account's options; read each one that the bot takes.
        """
        options.take_any()

    # -- what happens ------------------------------------------------------------------------------

    async def on_start(self) -> None:
        """The account is online for the first time. No other method is called before this one.

        It may run for as long as the bot likes.
        """

    async def on_call(self, call: Call) -> None:
        """A call came in and rings. A bot that does not override this takes no calls.

        Args:
            call: the call.
        """
        await call.decline()

    async def on_message(self, message: Message) -> None:
        """A message with a body came in for this device.

        Args:
            message: the message.
        """

    async def on_presence(self, presence: Presence) -> None:
        """A contact came, went, or changed.

        After `on_start` this is called once for each contact that is online.

        Args:
            presence: what is known of the contact now.
        """

    async def on_media(self, call: Call) -> None:
        """Audio or video was added or removed, or the peer muted, paused or held the call.

        `Call.media` has the kinds of media, `Call.status` what the peer mutes or holds.

        Args:
            call: the call.
        """

    async def on_data(self, call: Call, data: str | bytes) -> None:
        """Text or octets came in on a call's data channel (XEP-0343).

        Args:
            call: the call.
            data: one message.
        """

    async def on_digit(self, call: Call, digit: str) -> None:
        """The peer pressed a key (RFC 4733, XEP-0181). The keys of a call come one after another.

        `Call.digits` and `Call.read_digits` give the same keys to a bot that waits for them.

        Args:
            call: the call.
            digit: one of 0-9, ``*``, ``#`` and A-D.
        """

    async def on_recording_failed(self, call: Call, why: str) -> None:
        """A call's recording has a gap, or has ended early; the call goes on.

        The disk is full, the folder was removed, or the peer's video can't be recorded, for
        example. If the recording has ended, `Call.record` starts another one.

        Args:
            call: the call.
            why: a sentence that says what to do, as in the call's detail record.
        """

    async def on_takeover(self, call: Call, person: str) -> None:
        """Somebody at the board has taken over: the peer hears and sees that person instead.

        What the bot plays goes on unheard, keys that it presses are still sent, and what is
        recorded is what the peer gets.

        Args:
            call: the call.
            person: who it is, as the board names them.
        """

    async def on_giveback(self, call: Call, person: str) -> None:
        """The person who had taken over has left: the peer hears and sees the bot again.

        That may also be since the person's connection was lost.

        Args:
            call: the call.
            person: who it was.
        """

    async def on_invite(self, invite: Invite) -> None:
        """Somebody invites to a call (XEP-0482). A bot that does not override this ignores it.

        Args:
            invite: accept or reject it.
        """

    async def on_stop(self) -> None:
        """The account is about to log out. It has five seconds."""

    # -- what a bot can do -------------------------------------------------------------------------

    async def call(
        self,
        to: str,
        *,
        audio: Playable = "silence",
        video: Playable = None,
        record: bool = False,
        message: bool | None = None,
        data: bool = False,
        like: Call | None = None,
    ) -> Call:
        """Call somebody. It does not wait for the answer: `Call.connected` does.

        It returns once it is known how the peer can be called: at once, or after up to three
        seconds if the peer's devices must be asked first what they can do.

        Args:
            to: a bare JID (all its devices ring) or a full one.
            audio: what to send; None calls without audio.
            video: what to show; None calls without video.
            record: whether to record both directions.
            message: whether to propose the call by message (XEP-0353); None decides by what the
                peer can do.
            data: whether to offer a data channel beside the media (XEP-0343).
            like: a call whose codecs are offered first, so that a bridge with it need not
                transcode.

        Returns:
            The call, which rings or soon will.

        Raises:
            CallOver: the call ended at once, or ``like`` is over.
            Offline: the account is not online, or it is about to log out.
            SourceError: there is no such source, or it can't be played.
            TypeError: an argument is of the wrong type.
            ValueError: ``to`` is not a JID or is this account, or there is neither audio nor video.
        """
        peer = argument_checks.address("to", to)
        argument_checks.flag("record", record)
        argument_checks.flag("data", data)
        if message is not None:
            argument_checks.flag("message", message)
        sounds = await find_source(audio, self.folder, "audio")
        shows = await find_source(video, self.folder, "video")
        if sounds is None and shows is None:
            raise ValueError("a call needs audio or video")
        prefer = await codecs_of("like", like)
        if self.is_replaced:
            raise Offline(f"another bot of {self.account} has taken over, so this one can't call")
        order = PlaceCall(peer, sounds, shows, message, record, data, prefer=prefer)
        placed = await ask(self._ref, order)
        ref = await placed
        return await Call.of(ref, self.folder, synthesizer=self.synthesizer)

    async def invite(self, to: str, *, video: bool = False) -> str:
        """Invite somebody to call this account (XEP-0482). The call comes to `on_call`.

        Args:
            to: a JID.
            video: whether the call is meant to have video.

        Returns:
            The id of the session that an accepted invite leads to.

        Raises:
            TypeError: an argument is of the wrong type.
            ValueError: ``to`` is not a JID, or is this account.
        """
        sid = secrets.token_hex(16)
        peer = argument_checks.another("to", to, self.account, "invite")
        self._ref.post(SendInvite(peer, sid, argument_checks.flag("video", video)))
        return sid

    async def send(self, to: str, body: str) -> None:
        """Send a chat message.

        What `on_message` sends to the sender is an answer: see `Message.reply`. Nothing is sent
        once the account has logged out for good.

        Args:
            to: a JID.
            body: the text, of up to 60,000 octets.

        Raises:
            TypeError: an argument is of the wrong type.
            ValueError: ``to`` is not a JID or is this account, or the text is too long or contains
                a character that can't be sent.
        """
        peer = argument_checks.another("to", to, self.account, "write to")
        text = argument_checks.body("body", body)
        self._ref.post(SendText(peer, text, answers=answered_by(Address(peer))))

    async def set_presence(
        self, show: str | None = None, status: str | None = None, priority: int | None = None
    ) -> None:
        """Change what contacts see. What is not given stays as it is (RFC 6121 §4.7).

        Args:
            show: "" (available), chat, away, dnd or xa.
            status: text of up to 1,024 characters.
            priority: -128 to 127.

        Raises:
            Offline: the account has logged out for good.
            TypeError: an argument is of the wrong type.
            ValueError: a value is not one of these.
        """
        if show is not None:
            argument_checks.show("show", show)
        if status is not None:
            argument_checks.status("status", status)
        if priority is not None:
            argument_checks.priority("priority", priority)
        await ask(self._ref, SetPresence(show, status, priority))

    async def roster(self) -> tuple[Contact, ...]:
        """Return the account's contacts, with their resources that are online.

        Raises:
            Offline: the account has logged out for good.
        """
        return await ask(self._ref, GetRoster())
