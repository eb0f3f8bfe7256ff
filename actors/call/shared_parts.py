"""What the parts of a call that act on each other share."""

import asyncio
from functools import partial
from typing import Self

from msgspec import Struct

from ...config.jid import bare
from ..bot.runner import BotRunner
from ..context import Context
from ..messages.bot import BotPort
from ..messages.call import CallActorMessage, CallOver
from ..runtime.actor import AsyncioActor
from .closing import Closing
from .course import CallingIn, CallingOut, Course
from .informing import Informing
from .leg import Leg
from .negotiation import Negotiations
from .progress import Progress
from .setup import CallSetup
from .signalling import Signalling
from .too_late import TooLate, name_call
from .trace import AFTER, Trace
from .waiters import Waiters


class SharedParts(Struct, frozen=True):
    """The parts of one call that know nothing of those that are built on them.

    Attributes:
        owner: the call's actor, whose tasks and timers they use.
        context: what its account works with.
        bot: the account's bot.
        runner: runs what the bot is told.
        course: where the call stands.
        signalling: says things to the peer.
        informing: tells the peer who holds and mutes.
        leg: the media.
        negotiations: what is negotiated about the media.
        too_late: says why nothing can be asked of the call any more.
        waiters: who waits for something in the call.
        progress: tells how the call goes.
        closing: ends the call.
        trace: what has happened so far.
    """

    owner: AsyncioActor[CallActorMessage]
    context: Context
    bot: BotPort
    runner: BotRunner
    course: Course
    signalling: Signalling
    informing: Informing
    leg: Leg
    negotiations: Negotiations
    too_late: TooLate
    waiters: Waiters
    progress: Progress
    closing: Closing
    trace: Trace

    @classmethod
    def assemble(cls, owner: AsyncioActor[CallActorMessage], setup: CallSetup) -> Self:
        """Make the parts of a call.

        Args:
            owner: the call's actor.
            setup: what it begins with.
        """
        context, network = setup.context, setup.network
        beginning = CallingIn(setup.offer) if setup.order is None else CallingOut(setup.order)
        loop = asyncio.get_running_loop()
        trace = Trace(
            is_on=context.keep_ladder is not None,
            later=partial(loop.call_later, AFTER),
        )
        if setup.heard is not None:
            trace.stanza("in", setup.heard)
        course = Course(owner, context.settings.calls, beginning)
        signalling = Signalling(
            setup.session,
            setup.peer,
            message=setup.message,
            conversation=setup.conversation,
            last_word=setup.last_word,
            trace=trace,
        )
        own = signalling.own
        name = f"{own} {bare(setup.peer)}"
        title = name_call(own, setup.peer, outgoing=signalling.outgoing)
        too_late = TooLate(owner.actor_ref, title)
        path = setup.bot.path_of(setup.session.sid)
        waiters = Waiters(too_late)
        leg = Leg(owner, context, path, network, name, waiters.last_words)
        progress = Progress(context, course, signalling, leg, setup.media, trace)
        return cls(
            owner=owner,
            context=context,
            bot=setup.bot,
            runner=BotRunner(
                owner,
                setup.bot,
                context,
                lambda error: (
                    isinstance(error, CallOver) and (course.is_over or leg.connection.closed)
                ),
            ),
            course=course,
            signalling=signalling,
            informing=Informing(signalling),
            leg=leg,
            negotiations=Negotiations(owner, lambda: leg.connection, network.account),
            too_late=too_late,
            waiters=waiters,
            progress=progress,
            closing=Closing(
                owner,
                context,
                conversation=setup.conversation,
                course=course,
                signalling=signalling,
                leg=leg,
                progress=progress,
                waiters=waiters,
                trace=trace,
            ),
            trace=trace,
        )
