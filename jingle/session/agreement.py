"""What the two parties of a session have offered and accepted so far, as one immutable value.

Each stanza makes a new agreement from the old one, so a stanza that is refused halfway leaves no
trace.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from ..errors import bad_request, too_much
from ..model import limits
from ..model.content import Content
from ..model.content_names import to_mid
from ..model.description import Description, Group
from ..model.offer_answer_fit import answer_for_sdp, fit, offer_for_sdp
from ..model.partial_descriptions import address_of, joined, whole
from ..model.replace import replace
from ..model.role import Role
from ..model.transport import IceTransport
from ..sdp.writer import write_sdp
from .event import CandidatesReceived, Event, GatheringComplete, IceRestarted

_GONE = "\n"


def is_gone(name: str) -> bool:
    """Whether a name in `Agreement.mids` is that of an m-line whose content is gone."""
    return _GONE in name


class Agreement(Struct, frozen=True):
    """The contents of a session, as both parties have described them so far.

    Attributes:
        role: Our role in the session.
        local: Our contents, by their Jingle names.
        remote: The peer's contents.
        mids: The mid of each content (RFC 5888), in the order of the m-lines. The refused m-line
            of a removed content stays, under a name that no stanza can contain (see `is_gone`).
        ignored: The peer's contents that we can't carry, and removed contents.
        adding: Contents that we added and the peer has not answered.
        added: Contents that the peer added and we have not answered.
        held: Parts that came before the description of their content.
        offer: The peer's offer, as long as it lacks something that may still come. `remote` is
            empty until then.
    """

    role: Role
    local: Description = field(default_factory=Description)
    remote: Description = field(default_factory=Description)
    mids: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    adding: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    held: Mapping[str, Content] = field(default_factory=dict)
    offer: Description | None = None

    def mid(self, name: str) -> str:
        """Return the mid of a content."""
        return self.mids.get(name, to_mid(name))

    def known(self, contents: Iterable[Content]) -> tuple[Content, ...]:
        """Return the contents of an action that are in the session; others are left out.

        Raises:
            RemoteProtocolError: bad-request if the action names none that is or was there.
        """
        contents = tuple(contents)
        if not contents:
            raise bad_request("there is no <content/>")
        ours = tuple(each for each in contents if each.name in self.mids)
        if not ours and not any(each.name in self.ignored for each in contents):
            raise bad_request("a content is named that is not in the session")
        return ours

    @property
    def open(self) -> tuple[str, ...]:
        """The names of the contents that are in the session, accepted or not."""
        return tuple(name for name in self.mids if name not in self.adding and not is_gone(name))

    def remote_offer(self) -> str:
        """Return the peer's SDP as an offer, with the m-lines that both have seen.

        Raises:
            RemoteProtocolError: bad-request if no content is left.
        """
        description = fit(offer_for_sdp(self.remote), self._lines())
        return write_sdp(description.renamed(self.mids), self.role.other)

    def remote_answer(self) -> str:
        """Return the peer's SDP as the answer to ours.

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

    def without(self, names: Iterable[str]) -> "Agreement":
        """Return the same when contents are gone; m-lines that we have written stay, refused.

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
            held={name: part for name, part in self.held.items() if name not in gone},
            offer=None
            if self.offer is None
            else self.offer.with_contents(e for e in self.offer.contents if e.name not in gone),
        )

    def holding(self, part: Content) -> "Agreement":
        """The same with a part kept for when its content is described, or joined to the offer.

        Raises:
            RemoteProtocolError: policy-violation if that is too much.
        """
        if self.offer is not None:
            known = self.offer.find(part.name)
            if known is None:
                return self
            fresh = replace(joined(known, part), creator=known.creator, senders=known.senders)
            return replace(self, offer=self.offer.with_content(fresh))
        known = self.held.get(part.name)
        held = joined(known or Content(part.name, transport=IceTransport()), part)
        return replace(self, held={**self.held, part.name: held})

    def releasing(self, description: Description) -> "tuple[Agreement, Description]":
        """A description with what was held for its contents, and the same without that.

        Raises:
            RemoteProtocolError: policy-violation if that is too much.
        """
        contents = tuple(
            joined(self.held[each.name], each) if each.name in self.held else each
            for each in description.contents
        )
        names = description.names()
        held = {name: part for name, part in self.held.items() if name not in names}
        return replace(self, held=held), description.with_contents(contents)

    def adding_to(self, description: Description, groups: tuple[Group, ...] | None) -> Description:
        """Return the peer's description with further contents, whole.

        Args:
            description: The further contents.
            groups: Of all contents; None if the peer names none. Then contents that say nothing
                of their transport share that of the bundle: they have no other.
        """
        remote = self.remote
        for content in description.contents:
            remote = remote.with_content(content)
        if groups is not None:
            return whole(replace(remote, groups=groups))
        bundle = remote.bundle
        joining = tuple(
            each.name
            for each in description.contents
            if each.name not in bundle
            and isinstance(each.transport, IceTransport)
            and not each.transport.fingerprints
            and not each.transport.has_credentials
        )
        if bundle and joining:
            groups = tuple(
                Group(each.semantics, (*each.names, *joining))
                if each.semantics == "BUNDLE"
                else each
                for each in remote.groups
            )
            remote = replace(remote, groups=groups)
        return whole(remote)

    def following(self, name: str, update: IceTransport) -> "tuple[Agreement, list[Event]]":
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
        seen = {address_of(each) for each in current.candidates}
        fresh = tuple(each for each in update.candidates if address_of(each) not in seen)
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
        agreement = replace(self, remote=remote)
        events: list[Event] = []
        if restarted:
            mid, ufrag, pwd = self.mid(name), update.ufrag or "", update.pwd or ""
            events.append(IceRestarted(name, mid, ufrag, pwd, agreement.remote_offer()))
        usable = tuple(
            replace(each, sdp_mid=self.mid(name), ufrag=transport.ufrag)
            for each in fresh
            if each.usable
        )
        if usable:
            events.append(CandidatesReceived(name, usable))
        if update.gathering_complete:
            events.append(GatheringComplete(name))
        return agreement, events


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
