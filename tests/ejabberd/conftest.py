"""The live tests, played on ejabberd instead of Prosody."""

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Self

import pytest
from callboard.tests.ejabberd import server
from callboard.tests.ejabberd.server import Ejabberd


@pytest.fixture(scope="session")
def ejabberd() -> Iterator[Ejabberd]:
    """One server for all tests of this folder."""
    if not server.installed():
        pytest.skip("A second server is not tested here: install ejabberd.")
    with server.running() as started:
        yield started


@pytest.fixture(autouse=True)
def on_ejabberd(ejabberd: Ejabberd, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``staged`` play on ejabberd, without a trace of the test before."""

    class Stand:
        """What stands where ``staged`` has its Prosody."""

        address = server.ADDRESS
        port = ejabberd.port
        certificate = ejabberd.certificate

        def __init__(self, accounts: Mapping[str, str], **_: Any) -> None:
            self._accounts = accounts

        async def __aenter__(self) -> Self:
            await asyncio.to_thread(ejabberd.reset, self._accounts)
            return self

        async def __aexit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("callboard.tests.live.stage.Prosody", Stand)
