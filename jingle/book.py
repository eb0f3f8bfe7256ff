"""What both parties of a session have said so far, as one immutable value.

A stanza makes a new book of the old one, so that one which is refused halfway leaves no trace.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from . import limits
from .candidate import Candidate
from .content import Content
from .description import Description
from .errors import bad_request, too_much
from .event import CandidatesReceived, Event, GatheringComplete, IceRestarted
from .naming import to_mid
from .negotiation import answer_for_sdp, fit, offer_for_sdp
from .role import Role
from .sdp_writer import write_sdp
from .transport import IceTransport

_GONE = "\n"


def is_gone(name: str) -> bool:
    """Whether a name in `Book.mids` is that of an m-line whose content is gone."""
    return _GONE in name


@dataclass(frozen=True, slots=True)
class Book:
    """What has been said.

    Attributes:
        role: our part in the session.
        local: our contents, by their names in Jingle.
        remote: the peer's contents.
        mids: the mid of each content, in the order of the m-lines. A refused m-line of a content
            that is gone stands there under a name that no stanza can hold (`is_gone`).
        ignored: contents of the peer's that we can't carry, and those that are gone.
        adding: contents that we added and that the peer has not answered yet.
        added: contents that the peer added and that we have not answered yet.
        held: transport-info for contents that the peer has not described yet.
    """

    role: Role
    local: Description = field(default_factory=Description)
    remote: Description = field(default_factory=Description)
    mids: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    adding: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    held: tuple[tuple[str, IceTransport], ...] = ()

    def mid(self, name: str) -> str:
        """The mid of a content."""
        return self.mids.get(name, to_mid(name))

    def check_known(self, contents: Iterable[Content]) -> None:
        """Check that an action names contents, and only those of the session.

        Raises:
            RemoteProtocolError: bad-request.
        """
        contents = list(contents)
        if not contents:
            raise bad_request("there is no <content/>")
        for each in contents:
            if each.name not in self.mids and each.name not in self.ignored:
                raise bad_request("a content is named that is not in the session")

    def remote_offer(self) -> str:
        """The peer's SDP as an offer, with the m-lines that both have seen.

        Raises:
            RemoteProtocolError: bad-request if no content is left.
        """
        description = fit(offer_for_sdp(self.remote), self._lines())
        return write_sdp(description.renamed(self.mids), self.role.other)

    def remote_answer(self) -> str:
        """The peer's SDP as the answer to ours.

        Raises:
            RemoteProtocolError: bad-request if nothing that was offered was accepted.
        """
        description = answer_for_sdp(self.remote, Description(self._lines()))
        return write_sdp(description.renamed(self.mids), self.role.other)

    def _lines(self) -> tuple[Content, ...]:
        return tuple(
            content
            for name in self.mids
            if name not in self.adding
            and (content := self.local.find(name) or self.remote.find(name)) is not None
        )

    def fresh_mid(self, name: str) -> str:
        """A mid for a content that the peer adds, its name for as long as no m-line has it."""
        mid, taken = to_mid(name), set(self.mids.values())
        while mid in taken:
            mid += "+"
        return mid

    def without(self, names: Iterable[str]) -> "Book":
        """The same when contents are gone; m-lines that we have written stay, refused.

        Their names are free again: either party may add a content of that name.
        """
        gone = frozenset(names)
        graves = {
            name: f"{name}{_GONE}{mid}"
            for name, mid in self.mids.items()
            if name in gone and self.local.find(name) is not None
        }
        return replace(
            self,
            local=self.local.renamed(graves),
            remote=self.remote.with_contents(
                each for each in self.remote.contents if each.name not in gone
            ),
            mids={
                graves.get(name, name): mid
                for name, mid in self.mids.items()
                if name not in gone or name in graves
            },
            adding=self.adding - gone,
            added=self.added - gone,
            ignored=self.ignored | gone,
            held=tuple(each for each in self.held if each[0] not in gone),
        )

    def holding(self, name: str, update: IceTransport) -> "Book":
        """The same with a transport-info kept for when its content is described.

        Raises:
            RemoteProtocolError: policy-violation if that is too much.
        """
        held = (*self.held, (name, update))
        own = [each for owner, each in held if owner == name]
        if len(own) > limits.CANDIDATES or (
            sum(len(each.candidates) for each in own) > limits.CANDIDATES
        ):
            raise too_much(f"more than {limits.CANDIDATES} candidates before the description")
        return replace(self, held=held)

    def releasing(self, names: Iterable[str]) -> "Book":
        """The same with what was held for contents merged into their descriptions."""
        wanted = frozenset(names)
        book = replace(self, held=tuple(each for each in self.held if each[0] not in wanted))
        for name, update in self.held:
            if name in wanted:
                # What came earlier than the credentials in force can't be a restart of them.
                book, _ = book.following(name, replace(update, pwd=None))
        return book

    def following(self, name: str, update: IceTransport) -> "tuple[Book, list[Event]]":
        """Follow a transport-info for a content that the peer has described (XEP-0176 §5.6, §5.7).

        Candidates without ufrag belong to the generation in force, those of another to none that
        we know and are dropped; new credentials start a new generation.

        Raises:
            RemoteProtocolError: policy-violation for too many candidates.
        """
        known = self.remote.find(name)
        current = known.transport if known is not None else None
        if known is None or not isinstance(current, IceTransport):
            return self, []
        restarted = update.has_credentials and (
            (update.ufrag, update.pwd) != (current.ufrag, current.pwd)
        )
        if restarted:
            current = replace(
                current,
                ufrag=update.ufrag,
                pwd=update.pwd,
                candidates=(),
                gathering_complete=False,
            )
        elif update.ufrag not in {None, current.ufrag}:
            return self, []
        seen = {_address(each) for each in current.candidates}
        fresh = tuple(each for each in update.candidates if _address(each) not in seen)
        if len(current.candidates) + len(fresh) > limits.CANDIDATES:
            raise too_much(f"more than {limits.CANDIDATES} candidates of one content")
        transport = replace(
            current,
            candidates=current.candidates + fresh,
            gathering_complete=current.gathering_complete or update.gathering_complete,
        )
        remote = self.remote.with_content(replace(known, transport=transport))
        if restarted and name in remote.bundle:
            remote = _restarted_together(remote, transport)
        book = replace(self, remote=remote)
        events: list[Event] = []
        if restarted:
            mid, ufrag, pwd = self.mid(name), update.ufrag or "", update.pwd or ""
            events.append(IceRestarted(name, mid, ufrag, pwd, book.remote_offer()))
        usable = tuple(
            replace(each, sdp_mid=self.mid(name), ufrag=transport.ufrag)
            for each in fresh
            if each.usable
        )
        if usable:
            events.append(CandidatesReceived(name, usable))
        if update.gathering_complete:
            events.append(GatheringComplete(name))
        return book, events


def _restarted_together(remote: Description, fresh: IceTransport) -> Description:
    """The same with a restart of one content's ICE taken over by all that share its transport."""
    for name in remote.bundle:
        content = remote.find(name)
        transport = content.transport if content is not None else None
        if content is None or not isinstance(transport, IceTransport):
            continue
        if (transport.ufrag, transport.pwd) != (fresh.ufrag, fresh.pwd):
            transport = replace(
                transport,
                ufrag=fresh.ufrag,
                pwd=fresh.pwd,
                candidates=(),
                gathering_complete=False,
            )
            remote = remote.with_content(replace(content, transport=transport))
    return remote


def _address(candidate: Candidate) -> tuple[str, int, str, int]:
    return candidate.ip, candidate.port, candidate.protocol, candidate.component
