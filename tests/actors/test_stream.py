"""The parts of slixmpp that actors/stream.py knows, and what it lets go of after the login."""

import gc
import ssl
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from callboard.actors import stream as module
from callboard.actors.messages.exchange import AccountReady
from callboard.actors.stream import Stream
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, staged
from slixmpp import ClientXMPP
from slixmpp.plugins import BasePlugin


def made(stream_class: type[ClientXMPP], **arguments: object) -> ClientXMPP:
    return stream_class(ALICE, "secret", ssl_context=ssl.create_default_context(), **arguments)


def test_what_is_left_out_is_still_there_to_leave_out(run: Run) -> None:
    async def main() -> None:
        plain = made(ClientXMPP)
        assert set(plain.plugin) >= module._UNUSED_PLUGINS
        assert all(plain.event_handled(name) for name in module._UNUSED_EVENTS)
        assert plain._XMLStream__handlers  # type: ignore[attr-defined]
        assert all(hasattr(one, "_payload") for one in plain._XMLStream__handlers)  # type: ignore[attr-defined]
        idle: Any = BasePlugin.session_bind
        assert idle(plain.plugin["feature_bind"], plain.boundjid) is None
        assert (plain.tls_services, plain.starttls_services) == module._SERVICES

    run(main)


def test_a_stream_registers_only_what_it_uses(run: Run) -> None:
    async def main() -> None:
        stream = Stream(
            ALICE,
            "secret",
            context=ssl.create_default_context(),
            direct_tls=False,
            deliver=lambda _: None,
        )
        assert not module._UNUSED_PLUGINS & set(stream.plugin)
        assert not any(stream.event_handled(name) for name in module._UNUSED_EVENTS)

    run(main)


def test_nothing_of_the_login_is_kept(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with staged(tmp_path, [ALICE]) as stage:
            await stage.until(AccountReady)
            account = await stage.account(ALICE)
            stream = account._stream
            gc.collect()
            kept = {one.tag for one in gc.get_objects() if isinstance(one, Element)}
            assert f"{{{module.STREAMS}}}features" not in kept
            assert stream.scheduled_events == {}

    run(main)
