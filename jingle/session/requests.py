"""What each action does when we send it (XEP-0166 §7.2): the counterpart of `reception`.

A function takes the agreement and what is to be said. It returns the new agreement, where that
changes, and the contents to write. `Session` has already checked that the action is allowed.
"""

from collections.abc import Collection, Sequence

from ..errors import LocalProtocolError
from ..model.candidate import Candidate
from ..model.content import Content
from ..model.content_names import names_of
from ..model.description import Description
from ..model.offer_answer_fit import answer_for_jingle
from ..model.replace import replace
from ..model.role import Senders
from ..model.transport import IceTransport
from ..sdp.reader import read_sdp
from .agreement import Agreement, is_gone

Asked = tuple[Agreement, Description]


def initiate(agreement: Agreement, offer: Description, without: Collection[str]) -> Asked:
    """Offer the session (see `Session.initiate`)."""
    description = offer.with_contents(each for each in offer.contents if not each.rejected)
    names = names_of(description.names())
    local = description.renamed(names)
    if not local.contents or not all(each.supported for each in local.contents):
        raise LocalProtocolError("the offer has a medium that Jingle can't carry, or none")
    told = local.with_contents(each for each in local.contents if each.kind not in without)
    if not told.contents:
        raise LocalProtocolError("the peer can take nothing of what is to be offered")
    mids = {name: mid for mid, name in names.items()}
    agreement = replace(agreement, local=local, mids=mids)
    return agreement.without(set(local.names()) - set(told.names())), told


def accept(agreement: Agreement, answer: str) -> Asked:
    """Accept the session (see `Session.accept`)."""
    local = _read_local(agreement, answer)
    accepted = answer_for_jingle(local, agreement.remote)
    if not accepted.contents:
        raise LocalProtocolError("the answer accepts nothing of the offer")
    refused = set(agreement.remote.names()) - set(accepted.names())
    return replace(agreement, local=local).without(refused), accepted


def add_contents(agreement: Agreement, offer: str) -> Asked:
    """Offer further contents (see `Session.add_contents`)."""
    description = read_sdp(offer, agreement.role)
    known = {mid: name for name, mid in agreement.mids.items()}
    fresh = names_of(mid for mid in description.names() if mid not in known)
    if not fresh:
        raise LocalProtocolError("the offer has no new section")
    if any(name in agreement.mids for name in fresh.values()):
        raise LocalProtocolError("the peer has a content of that name already")
    whole = description.renamed({**known, **fresh})
    names = frozenset(fresh.values())
    agreement = replace(
        agreement,
        local=whole,
        mids={**agreement.mids, **{name: mid for mid, name in fresh.items()}},
        adding=agreement.adding | names,
    )
    added = tuple(each for each in whole.contents if each.name in names)
    living = whole.with_contents(each for each in whole.contents if not is_gone(each.name))
    return agreement, Description(added, living.groups)


def accept_contents(agreement: Agreement, answer: str) -> Asked:
    """Accept the contents that the peer added (see `Session.accept_contents`)."""
    local = _read_local(agreement, answer)
    accepted = answer_for_jingle(local, agreement.remote)
    contents = tuple(each for each in accepted.contents if each.name in agreement.added)
    if not contents:
        raise LocalProtocolError("no added content is accepted by the answer")
    added = agreement.added - {each.name for each in contents}
    return replace(agreement, local=local, added=added), Description(contents, accepted.groups)


def restart(agreement: Agreement, sdp: str, *, answer: bool) -> tuple[Agreement, list[Description]]:
    """Tell new ICE credentials (see `Session.restart`): a description for each stanza."""
    local = agreement.local
    together: dict[tuple[str | None, str | None], list[Content]] = {}
    trickled: list[tuple[str, Sequence[Candidate]]] = []
    for content in _read_local(agreement, sdp).contents:
        known, transport = local.find(content.name), content.transport
        if known is None or content.rejected or is_gone(content.name):
            continue
        if not isinstance(transport, IceTransport) or _same_ice(transport, known.transport):
            continue  # without a bundle one transport restarts and others don't
        local = local.with_content(replace(known, transport=transport))
        told = IceTransport(ufrag=transport.ufrag, pwd=transport.pwd)
        if answer:
            told = replace(told, candidates=transport.candidates)
        elif transport.candidates:
            trickled.append((content.name, transport.candidates))
        bare = replace(find_local(agreement, content.name), application=None, transport=told)
        together.setdefault((transport.ufrag, transport.pwd), []).append(bare)
    agreement = replace(agreement, local=local)
    return agreement, [
        *(Description(tuple(contents)) for contents in together.values()),
        *(candidates(agreement, name, found, complete=False) for name, found in trickled),
    ]


def candidates(
    agreement: Agreement, content: str, found: Sequence[Candidate], *, complete: bool
) -> Description:
    """Trickle candidates (see `Session.candidates`)."""
    known = find_local(agreement, content)
    transport = known.transport
    if not isinstance(transport, IceTransport):
        raise LocalProtocolError(f"content {content!r} has no ICE")
    told = IceTransport(
        ufrag=transport.ufrag,
        pwd=transport.pwd,
        candidates=tuple(found),
        gathering_complete=complete,
    )
    return Description((replace(known, application=None, transport=told),))


def modified(agreement: Agreement, content: str, *, sends: bool) -> Content:
    """Stop or resume sending a content (see `Session.modify_content`)."""
    known = find_local(agreement, content)
    told = agreement.remote.find(known.name)
    peers = Senders.BOTH if told is None else told.senders
    senders = peers.with_party(agreement.role, sends)
    return replace(known, senders=senders, application=None, transport=None)


def named(agreement: Agreement, names: Sequence[str]) -> Description:
    """Return contents that say no more than their names and creators."""
    found = []
    for name in names:
        known = agreement.remote.find(name) or agreement.local.find(name)
        found.append(Content(name, known.creator if known else agreement.role.other))
    return Description(tuple(found))


def find_local(agreement: Agreement, content: str) -> Content:
    """Find a content of ours by its name or mid.

    Raises:
        LocalProtocolError: There is none.
    """
    by_mid = {mid: name for name, mid in agreement.mids.items()}
    found = agreement.local.find(content) or agreement.local.find(by_mid.get(content, content))
    if found is None:
        raise LocalProtocolError(f"there is no content {content!r} of ours")
    known = agreement.remote.find(found.name)
    return found if known is None else replace(found, creator=known.creator)


def _read_local(agreement: Agreement, sdp: str) -> Description:
    names = {mid: name for name, mid in agreement.mids.items()}
    return read_sdp(sdp, agreement.role).renamed(names)


def _same_ice(one: IceTransport, other: object) -> bool:
    if not isinstance(other, IceTransport):
        return False
    return (one.ufrag, one.pwd) == (other.ufrag, other.pwd)
