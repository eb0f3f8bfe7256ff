"""The IQs of ours that wait for an answer (RFC 6120 §8.2.3)."""

import asyncio
import secrets
from collections.abc import Callable, Collection
from xml.etree.ElementTree import Element

from ...config.jid import comparable
from .events import RequestAnswered
from .stanza import CLIENT

#: A request that is not answered in this many seconds counts as unanswered.
IQ_TIMEOUT = 30.0


class Requests:
    """What was asked, of whom, and who wants to know.

    Args:
        deliver: told each answer, and each that is missing.
    """

    __slots__ = ("_deliver", "_open")

    def __init__(self, deliver: Callable[[RequestAnswered], None]) -> None:
        self._deliver = deliver
        self._open: dict[str, tuple[str, object, asyncio.TimerHandle]] = {}

    def add(self, to: str, kind: str, payload: Element, about: object) -> Element:
        """Return the stanza that asks, and wait for its answer if anybody wants it.

        Args:
            to: whom to ask; "" is our own account on the server.
            kind: ``get`` or ``set``.
            payload: the IQ's one child.
            about: comes back with the answer, or without one after `IQ_TIMEOUT` seconds; None if
                nobody wants to know.
        """
        identifier = secrets.token_hex(8)
        stanza = Element(f"{{{CLIENT}}}iq", {"type": kind, "id": identifier})
        if to:
            stanza.set("to", to)
        stanza.append(payload)
        if about is not None:
            timer = asyncio.get_running_loop().call_later(IQ_TIMEOUT, self.give_up, identifier)
            self._open[identifier] = (to, about, timer)
        return stanza

    def answered(self, iq: Element, own: Collection[str]) -> None:
        """Take an answer, if it is one to what was asked.

        Args:
            iq: of type result or error.
            own: the addresses for which the server answers in our own name.
        """
        identifier = iq.get("id", "")
        if identifier not in self._open:
            return
        to, about, timer = self._open[identifier]
        sender, to = comparable(iq.get("from", "")), comparable(to)
        if sender != to and not (to in own and sender in own):
            return  # nobody answers for another (RFC 6120 §8.1.2.1)
        del self._open[identifier]
        timer.cancel()
        self._deliver(RequestAnswered(about, iq))

    def give_up(self, identifier: str) -> None:
        """Tell who asked that there is no answer, unless there was one."""
        found = self._open.pop(identifier, None)
        if found is not None:
            _, about, timer = found
            timer.cancel()
            self._deliver(RequestAnswered(about, None))

    def give_all_up(self) -> None:
        """Tell all who asked that there is no answer."""
        for identifier in tuple(self._open):
            self.give_up(identifier)

    def forget(self) -> None:
        """Wait for no answer any more, and tell nobody."""
        for _, _, timer in self._open.values():
            timer.cancel()
        self._open.clear()
