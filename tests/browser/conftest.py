"""The browsers, where there are some."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from callboard.media.rtc.ice.confinement import primary_address
from callboard.tests.browser.bundle import MODULES, bundle
from callboard.tests.browser.chromium import Chromium, chromium, find_chromium
from callboard.tests.browser.firefox import Firefox, find_firefox, firefox
from callboard.tests.browser.sound_card import find_pulseaudio
from callboard.tests.browser.tab import Opens

#: The same sentences as in script/setup.
MISSING = (
    "calls with a browser are not tested here: "
    "install chromium, nodejs and npm, and run 'script/setup test' again."
)
NO_FIREFOX = (
    "The board is not tested in Firefox here: "
    "install firefox-esr and pulseaudio, and run 'script/setup test' again."
)


@pytest.fixture(scope="session")
def browser() -> Iterator[tuple[Chromium, Path]]:
    """Run the browser for as long as tests need it; gives it and the bundled page."""
    program = find_chromium()
    if program is None or shutil.which("node") is None or not MODULES.is_dir():
        pytest.skip(MISSING)
    page = bundle()
    with chromium(program) as running:
        yield running, page


@pytest.fixture(scope="session")
def second_browser() -> Iterator[Firefox]:
    """Run Firefox for as long as tests need it."""
    program = find_firefox()
    if program is None or find_pulseaudio() is None:
        pytest.skip(NO_FIREFOX)
    with firefox(program) as running:
        yield running


@pytest.fixture(scope="session", params=["chromium", "firefox"])
def any_browser(request: pytest.FixtureRequest) -> Opens:
    """Run either browser, one after the other."""
    if request.param == "firefox":
        found: Opens = request.getfixturevalue("second_browser")
        return found
    running: Opens = request.getfixturevalue("browser")[0]
    return running


@pytest.fixture
def calling_browser(any_browser: Opens) -> Opens:
    """Run either browser, as far as it can have calls here."""
    if isinstance(any_browser, Firefox) and primary_address() is None:
        pytest.skip("Firefox is in no call without a network: give this machine a default route.")
    return any_browser
