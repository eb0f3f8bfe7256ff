"""What a stanza of a call says, in a few words."""

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from ...jingle import namespaces as ns
from .stanza import error_condition

#: Characters of a title, and of a word in it that the peer has chosen.
MAX_TITLE = 100
_MAX_WORD = 32

_JINGLE = f"{{{ns.JINGLE}}}jingle"
_CALL_MESSAGE = f"{{{ns.CALL_MESSAGE}}}"
_INVITE = f"{{{ns.CALL_INVITE}}}"
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")
#: Actions (XEP-0166 §7.2) of which it is told which media they are about.
_ABOUT_MEDIA = frozenset(
    {
        "session-initiate",
        "session-accept",
        "content-add",
        "content-accept",
        "content-reject",
        "content-modify",
        "content-remove",
        "description-info",
        "transport-replace",
    }
)


def title(stanza: Element, of: str = "") -> str:
    """Say in a few words what a stanza of a call says.

    Args:
        stanza: an ``<iq/>`` or a ``<message/>``.
        of: of an IQ's answer, what it answers; of another stanza, whom it goes to if that is not
            the peer.
    """
    words = _words(stanza, f" to {_UNPRINTABLE.sub('?', of)[:_MAX_WORD]}" if of else "")
    return words if len(words) <= MAX_TITLE else f"{words[: MAX_TITLE - 1]}…"


def _words(stanza: Element, of: str) -> str:
    kind = stanza.get("type", "")
    if kind == "error":
        return f"error{of}: {_word(error_condition(stanza))}"
    if kind == "result":
        return f"result{of}"
    jingle = stanza.find(_JINGLE)
    if jingle is not None:
        return " ".join(_of_jingle(jingle))
    for child in stanza:
        if child.tag.startswith(_CALL_MESSAGE):
            return " ".join(_of_message(child)) + of
        if child.tag.startswith(_INVITE):
            name = _word(child.tag.removeprefix(_INVITE))
            return "invite to the call" if name == "invite" else f"{name} the invite"
    return _word(stanza.tag.rpartition("}")[2])


def _of_jingle(jingle: Element) -> Iterator[str]:
    action = jingle.get("action", "")
    yield _word(action)
    if action in _ABOUT_MEDIA:
        media = list(_media(jingle))
        if media:
            yield f"({', '.join(media)})"
    elif action == "transport-info":
        yield _transport(jingle)
    elif action == "session-info":
        infos = [one for one in jingle if not one.tag.startswith(f"{{{ns.JINGLE}}}")]
        yield ", ".join(" ".join(_info(one)) for one in infos[:4]) or "(ping)"
    yield from _reason(jingle)


def _of_message(message: Element) -> Iterator[str]:
    yield _word(message.tag.rpartition("}")[2])
    media = [_word(one.get("media", "")) for one in message if one.tag.endswith("}description")]
    if any(media):
        yield f"({', '.join(filter(None, media[:4]))})"
    yield from _reason(message)


def _media(jingle: Element) -> Iterator[str]:
    """Give what each content is, with who sends it where that is not both."""
    for content in list(jingle.iterfind(f"{{{ns.JINGLE}}}content"))[:4]:
        description = next((one for one in content if one.tag.endswith("}description")), None)
        kind = "" if description is None else description.get("media", "")
        senders = content.get("senders", "both")
        name = _word(kind) or _word(content.get("name", ""))
        yield name if senders == "both" else f"{name}: {_word(senders)}"


def _transport(jingle: Element) -> str:
    found = list(jingle.iter(f"{{{ns.ICE_UDP}}}transport"))
    candidates = [one for each in found for one in each if one.tag.endswith("}candidate")]
    if not candidates:
        restarts = any(one.get("ufrag") and one.get("pwd") for one in found)
        return "(ICE restart)" if restarts else "(no candidate)"
    count = len(candidates)
    if count > 1:
        return f"({count} candidates)"
    [only] = candidates
    host, port = _word(only.get("ip", "")), _word(only.get("port", ""))
    return f"({_word(only.get('type', ''))} {host}:{port})"


def _info(info: Element) -> Iterator[str]:
    yield _word(info.tag.rpartition("}")[2])
    if info.get("name"):
        yield f"({_word(info.get('name', ''))})"


def _reason(element: Element) -> Iterator[str]:
    reason = element.find(f"{{{ns.JINGLE}}}reason")
    if reason is not None:
        names = [one.tag.rpartition("}")[2] for one in reason]
        named = [_word(name) for name in names if name != "text"]
        if named:
            yield f"[{named[0]}]"


def _word(text: str) -> str:
    """Return what somebody else has chosen as one short word of ASCII."""
    return _UNPRINTABLE.sub("?", text[:_MAX_WORD]).replace(" ", "_")
