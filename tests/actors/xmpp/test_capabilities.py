from xml.etree.ElementTree import Element, SubElement

import pytest
from callboard.actors.xmpp import capabilities
from callboard.actors.xmpp.capabilities import CAPS, DISCO_INFO, Known

LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
#: The example of XEP-0115 §5.2.
EXAMPLE = (
    "QgayPKawpkPSDYmwT/WM94uAlu0=",
    ["client/pc//Exodus 0.9.1"],
    [
        "http://jabber.org/protocol/disco#info",
        "http://jabber.org/protocol/disco#items",
        "http://jabber.org/protocol/muc",
        "http://jabber.org/protocol/caps",
    ],
)


def answer(features: list[str], name: str = "Exodus 0.9.1") -> Element:
    query = Element(f"{{{DISCO_INFO}}}query")
    attributes = {"category": "client", "type": "pc", "name": name}
    SubElement(query, f"{{{DISCO_INFO}}}identity", attributes)
    for feature in features:
        SubElement(query, f"{{{DISCO_INFO}}}feature", {"var": feature})
    return query


def test_the_verification_string_is_that_of_the_xep() -> None:
    ver, identities, features = EXAMPLE
    assert capabilities.digest(identities, features) == ver


@pytest.mark.parametrize(("audio", "video"), [(True, True), (True, False), (False, True)])
def test_our_own_hash_is_that_of_our_own_answer(audio: bool, video: bool) -> None:
    query = capabilities.info(audio, video)
    identities = [
        f"{each.get('category')}/{each.get('type')}//{each.get('name')}"
        for each in query.findall(f"{{{DISCO_INFO}}}identity")
    ]
    features = [each.get("var", "") for each in query.findall(f"{{{DISCO_INFO}}}feature")]
    assert len(features) == len(set(features))
    assert capabilities.digest(identities, features) == capabilities.verification(audio, video)
    assert capabilities.caps(audio, video).get("ver") == capabilities.verification(audio, video)


def test_an_answer_is_remembered_only_under_its_own_hash() -> None:
    ver, _, features = EXAMPLE
    known = Known()
    # XEP-0115 §8.1: what another says of a hash that is not its own poisons nothing.
    assert known.learn(f"node#{ver}", answer(["urn:evil"])) == {"urn:evil"}
    assert known.get(f"node#{ver}") is None
    assert known.learn(f"node#{ver}", answer(features)) == set(features)
    assert known.get(f"node#{ver}") == frozenset(features)
    assert known.get("") is None


def disguised(identities: list[tuple[str, str, str, str]], features: list[str]) -> Element:
    """An answer with any identities and features."""
    query = Element(f"{{{DISCO_INFO}}}query")
    for category, kind, language, name in identities:
        attributes = {"category": category, "type": kind, "name": name, LANGUAGE: language}
        SubElement(query, f"{{{DISCO_INFO}}}identity", attributes)
    for feature in features:
        SubElement(query, f"{{{DISCO_INFO}}}feature", {"var": feature})
    return query


INFO, ITEMS, MUC, CAPS_FEATURE = (
    "http://jabber.org/protocol/disco#info",
    "http://jabber.org/protocol/disco#items",
    "http://jabber.org/protocol/muc",
    "http://jabber.org/protocol/caps",
)
EXODUS = ("client", "pc", "", "Exodus 0.9.1")


@pytest.mark.parametrize(
    "query",
    [
        disguised([("client", "pc", "", f"Exodus 0.9.1<{CAPS_FEATURE}<{INFO}<{ITEMS}<{MUC}")], []),
        disguised([("client", "pc", "", f"Exodus 0.9.1<{CAPS_FEATURE}")], [INFO, ITEMS, MUC]),
        disguised([EXODUS], [f"{CAPS_FEATURE}<{INFO}", ITEMS, MUC]),
        disguised([EXODUS], [f"{CAPS_FEATURE}<{INFO}<{ITEMS}<{MUC}"]),
        disguised([("client", "pc/", "Exodus 0.9.1<http:", f"{CAPS_FEATURE[7:]}")],
                  [INFO, ITEMS, MUC]),
        disguised([EXODUS, ("http:", "", "jabber.org", "protocol/caps")], [INFO, ITEMS, MUC]),
        disguised([], ["client/pc//Exodus 0.9.1", CAPS_FEATURE, INFO, ITEMS, MUC]),
        disguised([("client/pc", "", "Exodus 0.9.1", "")], [CAPS_FEATURE, INFO, ITEMS, MUC]),
    ],
)  # fmt: skip
def test_an_answer_cut_differently_is_not_remembered_though_its_hash_is_right(
    query: Element,
) -> None:
    known = Known()
    known.learn(f"node#{EXAMPLE[0]}", query)
    assert known.get(f"node#{EXAMPLE[0]}") is None
    known.learn(f"node#{EXAMPLE[0]}", answer(EXAMPLE[2]))
    assert known.get(f"node#{EXAMPLE[0]}") == frozenset(EXAMPLE[2])


@pytest.mark.parametrize("where", ["name", "category", "var", "field", "value"])
def test_an_answer_with_a_less_than_sign_is_not_remembered(where: str) -> None:
    query = answer(EXAMPLE[2])
    form = SubElement(query, "{jabber:x:data}x", {"type": "result"})
    field = SubElement(form, "{jabber:x:data}field", {"var": "FORM_TYPE"})
    SubElement(field, "{jabber:x:data}value").text = "urn:xmpp:dataforms:softwareinfo"
    text = "a<b"
    if where == "value":
        field[0].text = text
    else:
        element = {"var": query[1], "field": field}.get(where, query[0])
        element.set("var" if where == "field" else where, text)
    assert not capabilities.is_unambiguous(query)


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capabilities, "MAX_KNOWN", 3)
    known, announcements = Known(), []
    for number in range(5):
        ver = capabilities.digest([f"client/pc//{number}"], ["urn:one"])
        announcements.append(f"node#{ver}")
        known.learn(announcements[-1], answer(["urn:one"], str(number)))
    assert [known.get(each) is not None for each in announcements] == [False] * 2 + [True] * 3


def test_a_presence_announces_its_node_and_hash() -> None:
    presence = Element("{jabber:client}presence")
    assert capabilities.announced(presence) == ""
    caps = SubElement(presence, f"{{{CAPS}}}c", {"node": "n", "ver": "v", "hash": "md5"})
    assert capabilities.announced(presence) == ""
    caps.set("hash", "sha-1")
    assert capabilities.announced(presence) == "n#v"
    caps.set("node", "n" * 5000)
    assert len(capabilities.announced(presence)) == 512
