"""The picture in the docs is the table."""

from pathlib import Path

from callboard.jingle.features import features
from callboard.jingle.session.state import diagram

DOCS = Path(__file__).resolve().parents[2] / "docs" / "jingle.md"


def test_the_diagram_in_the_docs_is_the_table() -> None:
    text = DOCS.read_text()
    _, found, rest = text.partition("<!-- states -->\n```mermaid\n")
    assert found, "docs/jingle.md lacks its marker"
    assert rest.partition("```\n<!-- /states -->")[0] == diagram()


def test_features_are_true_to_what_the_account_allows() -> None:
    assert features(audio=False, video=False) == ()
    audio, both = features(audio=True, video=False), features(audio=True, video=True)
    assert set(both) - set(audio) == {"urn:xmpp:jingle:apps:rtp:video"}
    wanted_by_conversations = {
        "urn:xmpp:jingle:1",
        "urn:xmpp:jingle:transports:ice-udp:1",
        "urn:xmpp:jingle:apps:rtp:1",
        "urn:xmpp:jingle:apps:dtls:0",
        "urn:xmpp:jingle:apps:rtp:audio",
        "urn:xmpp:jingle-message:0",
    }
    assert wanted_by_conversations <= set(audio)
    assert len(set(both)) == len(both)
    keys = "urn:xmpp:jingle:dtmf:0"  # XEP-0181 has it advertised by those who read it
    assert keys in audio
    assert keys not in features(audio=False, video=True)
