"""What all tests of commands share."""

from collections.abc import Iterator

import pytest
from callboard.tests.cli.template import Template


@pytest.fixture(scope="session", autouse=True)
def template() -> Iterator[None]:
    """Read what commands need once, for those that `running` starts."""
    with Template.serving():
        yield
