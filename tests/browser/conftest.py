"""The browser, where there is one."""

import shutil
from pathlib import Path

import pytest
from callboard.tests.browser.bundle import MODULES, bundle
from callboard.tests.browser.chromium import find_chromium

#: The same sentence as in script/setup.
MISSING = (
    "calls with a browser are not tested here: "
    "install chromium, nodejs and npm, and run 'script/setup test' again."
)


@pytest.fixture(scope="session")
def browser() -> tuple[str, Path]:
    """Return the browser's program and the bundled page."""
    program = find_chromium()
    if program is None or shutil.which("node") is None or not MODULES.is_dir():
        pytest.skip(MISSING)
    return program, bundle()
