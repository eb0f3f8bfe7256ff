"""Goodbyes of calls whose account ends: told while it lives, kept when it does not."""

import asyncio
from xml.etree.ElementTree import Element

from callboard.actors.last_words import LastWords
from callboard.actors.messages.account import AccountMessage, Send
from callboard.actors.runtime.actor import AsyncioActor, handles
from callboard.tests.conftest import Run


class Account(AsyncioActor[AccountMessage]):
    """Says what calls have it say, also while it ends."""

    def __init__(self, said: list[str]) -> None:
        super().__init__()
        self._said = said
        self.words = LastWords(self.actor_ref)
        self.ending = asyncio.Event()
        self.may_end = asyncio.Event()

    @handles(Send)
    def send(self, message: Send) -> None:
        self._said.append(f"told {message.stanza.tag}")

    async def on_end(self, error: BaseException | None, /) -> None:
        saying = asyncio.create_task(self.words.say(lambda one: self._said.append(one.tag)))
        self.ending.set()
        await self.may_end.wait()
        self.words.end()
        await saying


def test_each_word_is_said_once_in_its_order_and_at_once(run: Run) -> None:
    said: list[str] = []

    async def main() -> None:
        ref = Account.start(said)
        await ref.started
        account = ref._actor_weakref()
        assert isinstance(account, Account)
        words, ending, may_end = account.words, account.ending, account.may_end
        words.add(Element("one"))
        ref.stop(block=False)
        await ending.wait()
        words.add(Element("two"))
        while said != ["told one", "two"]:  # noqa: ASYNC110 - before the account has ended
            await asyncio.sleep(0)
        words.add(Element("three"))
        words.add(Element("four"))
        may_end.set()
        await ref.ended
        words.add(Element("too late"))

    run(main)
    assert said == ["told one", "two", "three", "four"]
