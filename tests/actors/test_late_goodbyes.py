"""What a conversation does with the goodbye of a call when its account has ended."""

from pathlib import Path
from typing import Any, cast
from xml.etree.ElementTree import Element

from callboard.actors.context import Context, Endpoint
from callboard.actors.conversation import Conversation
from callboard.actors.messages.conversation import SendCallMessage, SendJingle
from callboard.actors.runtime.actor import AsyncioActor
from callboard.actors.runtime.future import AsyncioFuture
from callboard.config import AccountSettings
from callboard.jingle import Finish
from callboard.media import Network, ReceivePath
from callboard.tests.conftest import Run

NETWORK = Network(("127.0.0.1",), (40000, 40010))


def context() -> Context:
    return Context(
        settings=AccountSettings.model_validate({"jid": "a@x", "password": "x", "bot": "none"}),
        endpoint=Endpoint(None, None, False, cast("Any", None)),
        network=NETWORK,
        use_services=False,
        path=ReceivePath.NONE,
        largest_picture=1,
        recordings=Path(),
        writer=cast("Any", None),
        exchange=cast("Any", None),
        log=cast("Any", None),
        bot=cast("Any", None),
    )


def test_what_the_account_no_longer_hears_is_left_for_it_to_say(run: Run) -> None:
    async def main() -> None:
        account = AsyncioActor.start()
        account.stop(block=False)
        await account.ended
        said: list[Element] = []
        ref = Conversation.start(
            context(),
            account=account,
            bot=cast("Any", None),
            own="a@x/r",
            peer="b@x",
            resources={},
            network=NETWORK,
            last_word=said.append,
        )
        known: list[AsyncioFuture[None]] = [AsyncioFuture(), AsyncioFuture()]
        jingle = Element("{urn:xmpp:jingle:1}jingle")
        ref.tell(SendCallMessage("b@x", Finish("sid"), known[0]))
        ref.tell(SendJingle("sid", "b@x/r", jingle, "terminate", known[1]))
        ref.stop(block=False)
        await ref.ended
        assert [one.tag.rpartition("}")[2] for one in said] == ["message", "iq"]
        assert [one.get("to") for one in said] == ["b@x", "b@x/r"]
        assert all(one.done() for one in known)  # nobody waits for a stream that there is not

    run(main)
