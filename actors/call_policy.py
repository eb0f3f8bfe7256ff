"""Which incoming calls an account takes."""

from ..config.account import CallPolicy
from ..jingle import Reason


def refusal(
    policy: CallPolicy, sender: str, media: tuple[str, ...], *, calls: int, draining: bool
) -> tuple[Reason, str] | None:
    """Say why an account's policy does not take a call.

    Args:
        policy: the account's.
        sender: the caller's JID.
        media: the kinds that are proposed or offered.
        calls: how many calls the account has with this one.
        draining: whether it is logging out.

    Returns:
        What the caller is told, and words for the record; None if the call is taken.
    """
    if draining:
        return Reason.GONE, "the account is logging out"
    if not policy.allows(sender):
        return Reason.DECLINE, "calls.from does not list the caller"
    if policy.answer == "never":
        return Reason.DECLINE, "calls.answer is never"
    if calls > policy.limit:
        return Reason.BUSY, f"calls.limit is {policy.limit}"
    if not (("audio" in media and policy.audio) or ("video" in media and policy.video)):
        return Reason.UNSUPPORTED_APPLICATIONS, "no kind of media that calls allows"
    return None
