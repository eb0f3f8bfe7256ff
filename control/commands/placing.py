"""``call``: an account of the instance calls somebody."""

import asyncio
from contextlib import suppress

from ...actors.messages.account import AccountRef, PlaceCall
from ...actors.messages.call import CallOver, CallRef, Hangup
from ...actors.messages.exchange import AccountChanged, AccountReady, CallStatus
from ...actors.records.call_record import CallRecord
from ...bots import Call, argument_checks
from ...bots.source import find_source
from ...config import Embedded
from ...config.jid import bare
from ..instance.event_hub import EventReader
from ..instance.instance import Instance
from ..instance.overview import OFF
from ..models.calls import CallCommand, CallResult
from ..models.detail_record import DetailRecord
from ..problem import SEE_STATUS, ControlError, ProblemKind
from .finding import HANDLED, check_peer, find_account, known_account
from .handler import Handler, Tell
from .refusals import refusing

#: Seconds in which the other end of a call has its record too, if it is an account of ours.
OTHER_END = 2.0


async def _call(command: CallCommand, instance: Instance, tell: Tell) -> CallResult:
    own = known_account(instance, command.account)
    with refusing():
        order = await _order(command, instance, own)
        await _logged_in(instance, (own, bare(order.to)), command.online_within, tell)
        account = await find_account(instance, own)
        ends = own, bare(order.to)
        reader = instance.events.open(lambda entry: _is_of(entry.report, ends))
        try:
            ref = await _place(account, order)
            try:
                call = await Call.of(ref, instance.folder)
                if command.detach:
                    instance.keep(_hold(call, command.seconds))
                    return CallResult(id=call.id, account=own, peer=call.peer, record=None)
                return await _watch(command.seconds, instance, call, ends, reader, tell)
            except BaseException:
                ref.post(Hangup())  # the client has left, for example
                raise
        finally:
            instance.events.close(reader)


async def _logged_in(
    instance: Instance, accounts: tuple[str, ...], seconds: float | None, tell: Tell
) -> None:
    """Wait until accounts of ours that still log in for the first time have, or give up."""
    reader = instance.events.open(
        lambda entry: (
            isinstance(entry.report, AccountChanged | AccountReady) and entry.report.jid in accounts
        )
    )
    try:
        async with asyncio.timeout(seconds):
            while any(map(instance.overview.begins, accounts)):
                tell(*(one.line for one in await reader.next()))
    except TimeoutError:
        late = next(filter(instance.overview.begins, accounts), accounts[0])
        raise ControlError(
            ProblemKind.NOT_POSSIBLE,
            f"{late} could not log in within {seconds:g} s",
            SEE_STATUS,
        ) from None
    finally:
        instance.events.close(reader)


async def _order(command: CallCommand, instance: Instance, own: str) -> PlaceCall:
    peer = argument_checks.another("to", command.to, own, "call")
    check_peer("to", instance, peer)
    server = instance.settings.server
    # Its port is another one at each start, so no other client is there in the account's place.
    if isinstance(server, Embedded) and not server.port:
        state = instance.overview.state_of(bare(peer))
        if state in OFF:
            why = f"{OFF[state]}, so nobody can answer"
            raise ValueError(f"to: {bare(peer)} {why}: log it in first")
    sounds = await find_source(command.audio, instance.folder, "audio")
    shows = await find_source(command.video, instance.folder, "video")
    if sounds is None and shows is None:
        raise ValueError("audio: a call needs audio or video: give one of them a source")
    return PlaceCall(peer, sounds, shows, record=command.record)


async def _place(account: AccountRef, order: PlaceCall) -> CallRef:
    """Place a call; if nobody waits for it any more, it ends as soon as it is there."""
    placed = await account.request(order, timeout=HANDLED)
    try:
        return await placed
    except asyncio.CancelledError:

        def hang_up(_: object) -> None:
            with suppress(Exception):  # it was not placed
                placed.get(timeout=0).post(Hangup())

        placed.add_done_callback(hang_up)
        raise


async def _hold(call: Call, seconds: float | None) -> None:
    """Hang a call up when it has been connected for long enough."""
    if seconds is None:
        return
    with suppress(CallOver):
        await call.connected()
        await asyncio.sleep(seconds)
        await call.hangup()


async def _watch(
    seconds: float | None,
    instance: Instance,
    call: Call,
    ends: tuple[str, str],
    reader: EventReader,
    tell: Tell,
) -> CallResult:
    """Tell how a call goes, until its ends have their records: ours, and the other one if it is."""
    own, peer = ends
    record: CallRecord | None = None
    holding = asyncio.create_task(_hold(call, seconds), name=f"hold {call.id}")
    try:
        while record is None or instance.overview.has_call(peer, call.id):
            try:
                async with asyncio.timeout(None if record is None else OTHER_END):
                    entries = await reader.next()
            except TimeoutError:
                break
            ours = [one for one in entries if getattr(one.report, "id", None) == call.id]
            tell(*(one.line for one in ours))
            for one in ours:
                if isinstance(one.report, CallRecord) and one.report.account == own:
                    record = one.report
    finally:
        holding.cancel()
        await asyncio.wait({holding})
    told = None if record is None else DetailRecord.model_validate_json(record.to_json())
    return CallResult(id=call.id, account=own, peer=call.peer, record=told)


def _is_of(report: object, ends: tuple[str, str]) -> bool:
    return isinstance(report, CallStatus | CallRecord) and report.account in ends


CALL = Handler(CallCommand, _call)
