"""Which test plays which file of the corpus: `PLAN` has every file, or the reason why it can't."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from callboard.actors.xmpp.capabilities import CAPS, DISCO_INFO
from callboard.tests.jingle.corpus import FOLDER, jingle_of, name_of

OLD_JINGLE = "{urn:xmpp:jingle:0}jingle"
RTP = "{urn:xmpp:jingle:apps:rtp:1}"

NOT_PLAYED = {
    "xep/0215/ex05-services-push.xml": "is not well-formed: a start tag lacks its end",
    "xep/0251/ex03-attendant-sends-session-accept.xml": "is not well-formed",
    "xep/0251/ex13-attendant-sends-session-accept.xml": "is not well-formed",
    "xep/0507/ex01-server-return-the-list-of-bookmarks.xml": "SDP pasted into an attribute",
}


def roots(path: Path) -> list[ET.Element]:
    """The stanzas of a file; some hold several, with comments between them."""
    text = re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.DOTALL)
    if name_of(path) == "xep/0272/ex02-invite-to-a-muji-conference.xml":
        text = text.replace("</message>>", "</message>")
    if name_of(path) == "xep/0353/ex11-tie-break-in-propose-state.xml":
        head, tail = text.split("<retract", 1)
        text = head + "<retract" + tail.replace("</reject>", "</retract>", 1)
    return list(ET.fromstring(f"<all>{text}</all>"))


def sort(path: Path) -> str:
    """Say which test plays a file, or "" for none."""
    name = name_of(path)
    if name in NOT_PLAYED:
        return ""
    if path.suffix == ".sdp":
        return "browser" if name.startswith("chromium/") else "fragment"
    if path.suffix == ".txt":
        return next(k for k in ("poke", "list", "sdp") if WORDS[k] in path.name)
    if name.startswith("chromium/"):
        return "browser"
    if jingle_of(path) is not None:
        return "example" if name.startswith("xep/") else "conversation"
    tags = {each.tag for root in roots(path) for each in root.iter()}
    if any(f"{{{DISCO_INFO}}}" in tag for tag in tags):
        return "discovery"
    for namespace, kind in KINDS.items():
        if any(namespace in tag for tag in tags):
            return kind
    [root] = roots(path)
    if root.get("type") == "error":
        return "error"
    return "acknowledgement" if root.get("type") == "result" and not len(root) else "unsorted"


WORDS = {"poke": "ERROR-TABLE", "list": "disco-features", "sdp": "-sdp"}
KINDS = {
    "urn:xmpp:jingle-message:0": "call message",
    "urn:xmpp:call-invites:0": "invite",
    "urn:xmpp:extdisco:2": "services",
    CAPS: "presence",
    OLD_JINGLE: "old",
    RTP + "description": "description",
}
FILES = [path for path in sorted(FOLDER.glob("**/*")) if path.is_file()]
PLAN = {name_of(path): sort(path) for path in FILES}


def of_kind(kind: str) -> list[Path]:
    return [FOLDER / name for name, each in PLAN.items() if each == kind]


def played(kind: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", of_kind(kind), ids=name_of)
