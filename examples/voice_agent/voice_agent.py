"""An agent that hears its callers, answers in words, and falls silent as soon as they speak."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

from callboard.bots import (
    Bot,
    Call,
    CallOver,
    Options,
    SpeechBegan,
    SpeechEnded,
    SpokenText,
    check_speech,
)


def reply(speech: SpeechEnded) -> str:
    """Think of an answer. Put your own model here: this runs in a thread, and may take its time.

    Args:
        speech: what the caller said: its `pcm` are 16-bit samples, one channel, 16 kHz.

    Returns:
        What to say.
    """
    seconds = speech.ended - speech.began
    return (
        f"You have spoken for {seconds:.1f} seconds. I can't tell what you said, as I have no model"
        " yet. Meanwhile I go on talking, for as long as you let me. As soon as you speak, I am"
        " silent, and listen to what you say. When you are silent, too, I think of an answer."
    )


def check_machine() -> None:
    """See that speech can be heard and made here; what is missing is said before any login."""
    check_speech()
    SpokenText("Hello").check()


class Agent(Bot):
    """Takes turns with its callers."""

    def read_options(self, options: Options) -> None:
        """Take no options, and see what is missing."""
        check_machine()

    async def on_call(self, call: Call) -> None:
        """Talk with one caller."""
        await call.answer()
        interrupted = asyncio.Event()
        async with asyncio.TaskGroup() as turns, aclosing(call.speech()) as heard:
            turns.create_task(self.say(call, "Hello, who is there?", interrupted))
            async for speech in heard:
                if isinstance(speech, SpeechBegan):
                    interrupted.set()
                else:
                    interrupted = asyncio.Event()
                    turns.create_task(self.answer(call, speech, interrupted))

    async def answer(self, call: Call, speech: SpeechEnded, interrupted: asyncio.Event) -> None:
        """Say what the model thinks, unless the caller has spoken again by then.

        Args:
            call: whom to answer.
            speech: what it has said.
            interrupted: is set when it speaks again.
        """
        text = await asyncio.to_thread(reply, speech)
        if not interrupted.is_set():
            await self.say(call, text, interrupted)

    async def say(self, call: Call, text: str, interrupted: asyncio.Event) -> None:
        """Say something, until the caller speaks. It is heard while the rest is synthesized.

        Args:
            call: who is to hear it.
            text: what to say.
            interrupted: ends it at once.
        """
        try:
            said = await call.say(text, until=interrupted)
        except CallOver:
            return
        if interrupted.is_set():
            self.log.info("%s interrupted me after %.1f s", call.peer, said.position)


class Talker(Bot):
    """Calls an agent, speaks, and interrupts its answer."""

    def read_options(self, options: Options) -> None:
        """Read whom to call, and see what is missing."""
        check_machine()
        self.to = options.text("to", "agent@localhost")

    async def on_start(self) -> None:
        """Have one talk."""
        call = await self.call(self.to)
        await call.connected()
        # Between sentences an agent may be silent for half a second.
        async with aclosing(call.speech(min_silence="1s")) as heard:
            self.log.info("the agent greeted me for %.1f s", await seconds_of_next(heard))
            await call.say("Good morning, I would like to ask you something.")
            await anext(heard)
            self.log.info("the agent answers")
            await call.say("Stop, please, because I have another question for you.")
            self.log.info("the agent was silent after %.1f s", await seconds_of_next(heard))
        await call.hangup()


async def seconds_of_next(heard: AsyncIterator[SpeechBegan | SpeechEnded]) -> float:
    """Wait until somebody has spoken, and return how long that took.

    Args:
        heard: what is heard.
    """
    async for speech in heard:
        if isinstance(speech, SpeechEnded):
            return speech.ended - speech.began
    raise CallOver("nobody speaks any more")
