"""What the parts of a call that act on each other share."""

from dataclasses import dataclass
from typing import Self

from ...config.jid import bare
from ...jingle import Initiated, Session
from ...media import Network
from ..bot.runner import BotRunner
from ..context import BotPort, Context, LastWord
from ..messages.account import PlaceCall
from ..messages.call import CallActorMessage
from ..messages.conversation import ConversationRef
from ..runtime.actor import AsyncioActor
from .closing import Closing
from .course import CallingIn, CallingOut, Course
from .leg import Leg
from .negotiation import Negotiations
from .progress import Progress
from .signalling import Signalling
from .waiters import Waiters


@dataclass(frozen=True, slots=True)
class SharedParts:
    """The parts of one call that know nothing of those that are built on them.

    Attributes:
        owner: the call's actor, whose tasks and timers they use.
        context: what its account works with.
        bot: the account's bot.
        runner: runs what the bot is told.
        course: where the call stands.
        signalling: says things to the peer.
        leg: the media.
        negotiations: what is negotiated about the media.
        waiters: who waits for something in the call.
        progress: tells how the call goes.
        closing: ends the call.
    """

    owner: AsyncioActor[CallActorMessage]
    context: Context
    bot: BotPort
    runner: BotRunner
    course: Course
    signalling: Signalling
    leg: Leg
    negotiations: Negotiations
    waiters: Waiters
    progress: Progress
    closing: Closing

    @classmethod
    def assemble(
        cls,
        owner: AsyncioActor[CallActorMessage],
        context: Context,
        *,
        conversation: ConversationRef,
        bot: BotPort,
        session: Session,
        peer: str,
        media: tuple[str, ...],
        message: bool,
        network: Network,
        last_word: LastWord,
        offer: Initiated | None = None,
        order: PlaceCall | None = None,
    ) -> Self:
        """Make the parts of a call; the arguments are those of `Call`, with itself as owner."""
        beginning = CallingIn(offer) if order is None else CallingOut(order)
        course = Course(owner, context.settings.calls, beginning)
        signalling = Signalling(
            session, peer, message=message, conversation=conversation, last_word=last_word
        )
        name = f"{signalling.own} {bare(peer)}"
        leg = Leg(owner, context, bot.path_of(session.sid), network, name)
        waiters = Waiters()
        progress = Progress(context, course, signalling, leg, media)
        return cls(
            owner=owner,
            context=context,
            bot=bot,
            runner=BotRunner(owner, bot, context),
            course=course,
            signalling=signalling,
            leg=leg,
            negotiations=Negotiations(owner, leg.connection, network.account),
            waiters=waiters,
            progress=progress,
            closing=Closing(
                owner,
                context,
                conversation=conversation,
                course=course,
                signalling=signalling,
                leg=leg,
                progress=progress,
                waiters=waiters,
            ),
        )
