"""The browser, where there is one."""

import shutil
from pathlib import Path

import pytest
from callboard.tests.browser.bundle import MODULES, bundle
from callboard.tests.browser.chromium import find_chromium

REMEDY = "run 'script/setup test', which installs it with apt-get and npm or says what to do"


@pytest.fixture(scope="session")
def browser() -> tuple[str, Path]:
    """Return the browser's program and the bundled page."""
    program = find_chromium()
    missing = [
        name
        for name, found in (
            ("chromium", program),
            ("node", shutil.which("node")),
            ("tests/browser/node_modules", MODULES.is_dir()),
        )
        if not found
    ]
    if missing or program is None:
        pytest.skip(f"no {', no '.join(missing)}: {REMEDY}")
    return program, bundle()
