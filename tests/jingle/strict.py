"""What the strictest readers of Jingle demand, all at once, as their source says.

- iris (Psi): a parameter has a name and a value, none twice; candidates are numbers in their ranges
  with an id that no other has; nothing unknown stands in XEP-0176's namespace; an answer names
  payload types, feedback and header extensions that were offered, and their senders.
- Martin (Siskin, Beagle): foundations are numbers; contents have a creator, fingerprints a setup.
- Monal and halcyon: generation and network are there, ``senders`` is a word of XEP-0166.
- Conversations: names of at most 16 characters, without blanks.
"""

import ipaddress
from xml.etree.ElementTree import Element

JINGLE = "{urn:xmpp:jingle:1}"
RTP = "{urn:xmpp:jingle:apps:rtp:1}"
ICE = "{urn:xmpp:jingle:transports:ice-udp:1}"
DTLS = "{urn:xmpp:jingle:apps:dtls:0}"
FEEDBACK = "{urn:xmpp:jingle:apps:rtp:rtcp-fb:0}"
EXTENSION = "{urn:xmpp:jingle:apps:rtp:rtp-hdrext:0}"


def read(jingle: Element) -> None:
    """Check a description that we wrote."""
    for content in jingle.findall(f"{JINGLE}content"):
        assert content.get("creator") in {"initiator", "responder"}
        assert content.get("senders") in {"both", "initiator", "responder", "none"}
        name = content.get("name", "")
        assert 0 < len(name) <= 16
        assert not name.split()[1:]
        description = content.find(f"{RTP}description")
        if description is not None:
            _read_description(description)
        transport = content.find(f"{ICE}transport")
        assert transport is not None
        _read_transport(transport)


def _read_description(description: Element) -> None:
    assert description.get("media") in {"audio", "video"}
    assert len(description.findall(f"{RTP}rtcp-mux")) == 1
    payload_types = description.findall(f"{RTP}payload-type")
    assert payload_types
    assert len({each.get("id") for each in payload_types}) == len(payload_types)
    for each in payload_types:
        assert 0 <= int(each.get("id", "")) <= 127
        assert not 64 <= int(each.get("id", "")) <= 95
        assert each.get("name")
        assert int(each.get("clockrate", "")) > 0
        assert int(each.get("channels", "1")) > 0
        names = [parameter.get("name") for parameter in each.findall(f"{RTP}parameter")]
        assert all(names)
        assert len(set(names)) == len(names)
        assert all(p.get("value") is not None for p in each.findall(f"{RTP}parameter"))


def _read_transport(transport: Element) -> None:
    assert transport.get("ufrag")
    assert transport.get("pwd")
    [fingerprint] = transport.findall(f"{DTLS}fingerprint")
    assert fingerprint.get("hash") == "sha-256"
    assert fingerprint.get("setup") in {"actpass", "active", "passive"}
    assert (fingerprint.text or "").isupper()
    assert {each.tag for each in transport if each.tag.startswith(ICE)} <= {f"{ICE}candidate"}
    candidates = transport.findall(f"{ICE}candidate")
    assert len({each.get("id") for each in candidates}) == len(candidates)
    for each in candidates:
        assert each.get("id")
        assert each.get("foundation", "").isdigit()
        for key, low, high in (
            ("component", 1, 1),
            ("generation", 0, 255),
            ("network", 0, 255),
            ("port", 1, 65535),
            ("priority", 1, 2**31 - 1),
            ("rel-port", 1, 65535),
        ):
            if key != "rel-port" or each.get(key) is not None:
                assert low <= int(each.get(key, "")) <= high
        ipaddress.ip_address(each.get("ip", ""))
        assert each.get("protocol") == "udp"
        assert each.get("type") in {"host", "srflx", "relay"}


def read_answer(answer: Element, offer: Element) -> None:
    """Check an answer of ours against the offer that it answers."""
    read(answer)
    for content in answer.findall(f"{JINGLE}content"):
        offered = next(
            each
            for each in offer.findall(f"{JINGLE}content")
            if each.get("name") == content.get("name")
        )
        wanted = {
            each.get("id"): {
                (f.get("type"), f.get("subtype")) for f in each.iter(f"{FEEDBACK}rtcp-fb")
            }
            for each in offered.iter(f"{RTP}payload-type")
        }
        for each in content.iter(f"{RTP}payload-type"):
            feedback = {(f.get("type"), f.get("subtype")) for f in each.iter(f"{FEEDBACK}rtcp-fb")}
            assert feedback <= wanted[each.get("id")]
        extensions = {
            (each.get("id"), each.get("uri"), each.get("senders") or "both")
            for each in offered.iter(f"{EXTENSION}rtp-hdrext")
        }
        for each in content.iter(f"{EXTENSION}rtp-hdrext"):
            assert (each.get("id"), each.get("uri"), each.get("senders") or "both") in extensions
        fingerprint = content.find(f"{ICE}transport/{DTLS}fingerprint")
        assert fingerprint is not None
        assert fingerprint.get("setup") in {"active", "passive"}
