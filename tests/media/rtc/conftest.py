"""Both ways of a packet: Python's, and the compiled part's where it was built."""

import pytest
from callboard.media.rtc import native


@pytest.fixture(params=["python", "compiled"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test once for each way."""
    if request.param == "python":
        monkeypatch.setattr(native, "packets", None)
    elif native.packets is None:
        pytest.skip("the compiled part was not built, or is turned off")
    found: str = request.param
    return found


@pytest.fixture
def python_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python do it all."""
    monkeypatch.setattr(native, "packets", None)
