"""The states of a session and the actions that change them (XEP-0166 §5).

Only tables live here, and what reads them. Nothing here knows of stanzas, media or time. A rule
says who may send an action in a state, and which state follows; it holds for us and for the peer.
`diagram` draws the picture in the docs from the rules.
"""

from enum import StrEnum

from msgspec import Struct

from ..model.role import Role


class SessionState(StrEnum):
    """How far a session is (XEP-0166 §5). NULL is before its session-initiate."""

    NULL = "null"
    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


class Action(StrEnum):
    """The fifteen actions (XEP-0166 §7.2)."""

    CONTENT_ACCEPT = "content-accept"
    CONTENT_ADD = "content-add"
    CONTENT_MODIFY = "content-modify"
    CONTENT_REJECT = "content-reject"
    CONTENT_REMOVE = "content-remove"
    DESCRIPTION_INFO = "description-info"
    SECURITY_INFO = "security-info"
    SESSION_ACCEPT = "session-accept"
    SESSION_INFO = "session-info"
    SESSION_INITIATE = "session-initiate"
    SESSION_TERMINATE = "session-terminate"
    TRANSPORT_ACCEPT = "transport-accept"
    TRANSPORT_INFO = "transport-info"
    TRANSPORT_REJECT = "transport-reject"
    TRANSPORT_REPLACE = "transport-replace"


class Rule(Struct, frozen=True):
    """Who may send an action, and the state that follows."""

    senders: frozenset[Role]
    next: SessionState


_EITHER = frozenset(Role)
_TURNS = {Action.SESSION_INITIATE, Action.SESSION_ACCEPT, Action.SESSION_TERMINATE}
_NEGOTIATION = [action for action in Action if action not in _TURNS]

RULES: dict[SessionState, dict[Action, Rule]] = {
    SessionState.NULL: {
        Action.SESSION_INITIATE: Rule(frozenset({Role.INITIATOR}), SessionState.PENDING),
    },
    SessionState.PENDING: {
        Action.SESSION_ACCEPT: Rule(frozenset({Role.RESPONDER}), SessionState.ACTIVE),
        Action.SESSION_TERMINATE: Rule(_EITHER, SessionState.ENDED),
        **{action: Rule(_EITHER, SessionState.PENDING) for action in _NEGOTIATION},
    },
    SessionState.ACTIVE: {
        Action.SESSION_TERMINATE: Rule(_EITHER, SessionState.ENDED),
        **{action: Rule(_EITHER, SessionState.ACTIVE) for action in _NEGOTIATION},
    },
    SessionState.ENDED: {},
}


def following(state: SessionState, action: Action, sender: Role) -> SessionState | None:
    """Return the state that an action leads to.

    Args:
        state: The state before it.
        action: The action.
        sender: Who sends it.

    Returns:
        The state after it; None if the action is not allowed.
    """
    rule = RULES[state].get(action)
    return rule.next if rule is not None and sender in rule.senders else None


def diagram() -> str:
    """Return the table as a Mermaid state diagram, for the documentation."""
    lines = ["stateDiagram-v2", f"    [*] --> {SessionState.NULL.name}"]
    for state, rules in RULES.items():
        loops = [action.value for action, rule in rules.items() if rule.next is state]
        for action, rule in rules.items():
            if rule.next is not state:
                who = "either" if rule.senders == _EITHER else next(iter(rule.senders)).value
                lines.append(f"    {state.name} --> {rule.next.name}: {action.value} ({who})")
        if loops:
            lines.append(f"    {state.name} --> {state.name}: {', '.join(loops)} (either)")
    lines.append(f"    {SessionState.ENDED.name} --> [*]")
    return "\n".join(lines) + "\n"
