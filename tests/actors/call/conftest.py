"""What the tests of a call share."""

import pytest
from callboard.tests.actors.call.scene import Media


@pytest.fixture
def staged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls have the staged media."""
    monkeypatch.setattr("callboard.actors.call.leg.PeerConnection", Media)
    Media.hangs, Media.fails = set(), set()
