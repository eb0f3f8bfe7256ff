"""What an account answers by itself to IQs (RFC 6120 §8.2.3)."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

from ...config.account import CallPolicy
from . import capabilities
from .incoming import Request
from .stanza import iq_reply, stanza_error


def answer(request: Request, policy: CallPolicy) -> Element:
    """Return the answer to an IQ that is for no other part of the account.

    Args:
        request: what is asked.
        policy: the kinds of call that the account takes.

    Returns:
        An ``<iq/>`` of type result; of type error for what is malformed or unknown.
    """
    payload = request.payload
    if payload is None or request.kind not in ("get", "set"):
        return iq_reply(request.sender, request.id, stanza_error("modify", "bad-request"))
    known = _ANSWERS.get((request.kind, payload.tag), _unknown)
    return iq_reply(request.sender, request.id, known(payload, policy))


def _unknown(_: Element, __: CallPolicy) -> Element:
    return stanza_error("cancel", "service-unavailable")


def _ping(_: Element, __: CallPolicy) -> None:
    """Answer with an empty result (XEP-0199 §4.2)."""


def _info(query: Element, policy: CallPolicy) -> Element:
    return capabilities.info(policy.audio, policy.video, query.get("node"))


def _items(_: Element, __: CallPolicy) -> Element:
    return Element(f"{{{capabilities.DISCO_ITEMS}}}query")


#: By the IQ's type and its payload.
_ANSWERS: dict[tuple[str, str], Callable[[Element, CallPolicy], Element | None]] = {
    ("get", f"{{{capabilities.PING}}}ping"): _ping,
    ("get", f"{{{capabilities.DISCO_INFO}}}query"): _info,
    ("get", f"{{{capabilities.DISCO_ITEMS}}}query"): _items,
}
