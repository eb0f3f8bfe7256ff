"""Where the Jingle stanzas of one account go."""

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from .messages.call import CallActorMessage, CallRef, JingleReceived

#: Stanzas of one session that may wait for its call to be started.
MAX_WAITING = 64
#: Sessions that are remembered after their end.
MAX_ENDED = 16


class _Route(Struct):
    """One session; until its call has been started its stanzas wait here."""

    call: "CallRef | None" = None
    waiting: "list[JingleReceived]" = field(default_factory=list)


class Routes:
    """The sessions of one account, each by the peer's bare JID and the session id.

    A session has its place from the first word on that the peer says of it, so that the number of
    calls is right before a call has been started.
    """

    def __init__(self) -> None:
        self._routes: dict[tuple[str, str], _Route] = {}
        self._sessions: Counter[str] = Counter()
        self._ended: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self._routes)

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._routes or key in self._ended

    def reserve(self, peer: str, sid: str) -> None:
        """Give a session its place; its call follows."""
        if (peer, sid) not in self._routes:
            self._routes[peer, sid] = _Route()
            self._sessions[peer] += 1

    def lead(self, peer: str, sid: str, call: "CallRef") -> None:
        """Lead a session's stanzas to its call, with those that wait."""
        self.reserve(peer, sid)
        route = self._routes[peer, sid]
        route.call = call
        for received in route.waiting:
            call.post(received)
        route.waiting.clear()

    def forget(self, peer: str, sid: str) -> "list[JingleReceived]":
        """Take a session's place away; return the stanzas that waited in vain.

        What the peer said of a call before it knew of its end must not begin another one.
        """
        route = self._routes.pop((peer, sid), None)
        if route is not None:
            self._sessions[peer] -= 1
            if not self._sessions[peer]:
                del self._sessions[peer]
        if route is not None and route.call is not None:
            self._ended = (*self._ended, (peer, sid))[-MAX_ENDED:]
        return [] if route is None else route.waiting

    def deliver(self, peer: str, sid: str, received: "JingleReceived") -> bool:
        """Hand a stanza to its call, or keep it until there is one; tell whether that can be."""
        route = self._routes.get((peer, sid))
        if route is None:
            return False
        if route.call is not None:
            return route.call.post(received)
        if len(route.waiting) >= MAX_WAITING:
            return False
        route.waiting.append(received)
        return True

    def find(self, peer: str, sid: str) -> "CallRef | None":
        """Return a session's call, if it has been started."""
        route = self._routes.get((peer, sid))
        return None if route is None else route.call

    def tell(self, peer: str, sid: str, message: "CallActorMessage") -> None:
        """Tell a session's call something, if there is one."""
        route = self._routes.get((peer, sid))
        if route is not None and route.call is not None:
            route.call.post(message)

    def tell_all(self, message: "CallActorMessage") -> None:
        """Tell every call something."""
        for peer, sid in list(self._routes):
            self.tell(peer, sid, message)

    def peer_of(self, sid: str) -> str | None:
        """Return with whom a session is."""
        return next((peer for peer, other in self._routes if other == sid), None)

    def keys(self) -> list[tuple[str, str]]:
        """Return which sessions there are: with whom, and their ids."""
        return list(self._routes)

    def keys_of(self, call: "CallRef") -> list[tuple[str, str]]:
        """Return the session of a call, if it has its place."""
        return [key for key, route in self._routes.items() if route.call is call]

    def any_with(self, peer: str) -> bool:
        """Tell whether there is a session with a peer."""
        return peer in self._sessions
