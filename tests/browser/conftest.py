"""The browser, where there is one."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from callboard.tests.browser.bundle import MODULES, bundle
from callboard.tests.browser.chromium import Chromium, chromium, find_chromium

#: The same sentence as in script/setup.
MISSING = (
    "calls with a browser are not tested here: "
    "install chromium, nodejs and npm, and run 'script/setup test' again."
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
