"""The captured stanzas and descriptions beside the repository; tests skip without them."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
JINGLE = "{urn:xmpp:jingle:1}jingle"

needs_corpus = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the corpus of captured stanzas is not at {FOLDER}"
)


def descriptions() -> list[Path]:
    """Chromium's SDP files."""
    return sorted(FOLDER.glob("chromium/*.sdp"))


def jingles() -> list[Path]:
    """The files that are well-formed XML with a <jingle/> of XEP-0166."""
    return [path for path in sorted(FOLDER.glob("**/*.xml")) if jingle_of(path) is not None]


def jingle_of(path: Path) -> ET.Element | None:
    try:
        root = ET.fromstring(path.read_text())
    except ET.ParseError:
        return None
    return next(root.iter(JINGLE), None)


def name_of(path: Path) -> str:
    return str(path.relative_to(FOLDER))
