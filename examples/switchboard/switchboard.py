"""A switchboard: a menu by keys, a queue for whoever is free next, and voicemail."""

import asyncio

from callboard.bots import Address, Bot, Call, CallOver, Offline, Options, Tone

MENU = "To talk to somebody, press 1, or just wait. To leave a message, press 2."
MUSIC = [Tone(hertz, 0.1, seconds=0.4) for hertz in (523, 659, 784, 659)]
BEEP = Tone(880, seconds=0.5)


class Switchboard(Bot):
    """Lets callers talk to agents, in the order in which they came."""

    def read_options(self, options: Options) -> None:
        """Read who the agents are, and how long things may take."""
        self.agents = options.addresses("agents", [])
        self.ringing = options.seconds("ringing", 20)  # how long an agent has to answer,
        self.pause = options.seconds("pause", 5)  # and how long it rests after that or a talk
        self.patience = options.seconds("patience", 60)  # after this, callers get the voicemail
        if not self.agents:
            options.refuse("agents", "there is nobody to talk to: give a JID, or a list of them")

    async def on_start(self) -> None:
        """Begin with all agents free, and nobody waiting."""
        self.free = list(self.agents)
        self.waiting: list[Call] = []
        self.moved = asyncio.Event()

    async def on_call(self, call: Call) -> None:
        """Take one call."""
        await call.answer()
        if await self.choose(call) == "1" and await self.connect(call):
            return
        await self.take_message(call)

    async def choose(self, call: Call) -> str:
        """Return what a caller chooses from the menu: 1, also if it presses nothing, or 2.

        Args:
            call: the caller's.
        """
        digit = await call.read_digits(count=1, timeout=0)  # who knows the menu presses ahead
        while digit not in {"1", "2"}:
            hint = f"There is nothing behind {digit}. " if digit else ""
            await call.say(hint + MENU, until="digit")
            digit = await call.read_digits(count=1, timeout="5s") or "1"
        return digit

    async def connect(self, call: Call) -> bool:
        """Find a caller an agent, and let them talk; return whether one came in time.

        Args:
            call: the caller's.
        """
        place = len(self.waiting)
        try:
            async with asyncio.timeout(self.patience) as patience:
                while not await self.talk(call, await self.wait(call, place), patience):
                    place = 0  # it was the first one, and still is
        except TimeoutError:
            await call.say("I am sorry, nobody can come.")
            return False
        return True

    async def wait(self, call: Call, place: int) -> Address:
        """Keep a caller in the queue, with music, until an agent is free for it; return that one.

        Args:
            call: the caller's.
            place: where in the queue it begins.
        """
        self.waiting.insert(place, call)
        told = None
        try:
            while not (self.free and self.waiting[0] is call):
                moved, number = self.moved, self.waiting.index(call) + 1
                if number != told:
                    self.log.info("%s is number %d", call.peer, number)
                    await call.say(f"Please hold. You are number {number}.", until=moved)
                    told = number
                await call.play(MUSIC, loop=True, until=moved)
            return self.free.pop(0)
        finally:
            self.waiting.remove(call)
            self.move()

    async def talk(self, call: Call, agent: Address, patience: asyncio.Timeout) -> bool:
        """Call an agent, and let a caller talk to it; return whether it came.

        Args:
            call: the caller's.
            agent: whom to call.
            patience: ends the waiting; once they talk, it is over.
        """
        try:
            other = await self.call(agent, like=call)
            await call.bridge(other, meanwhile=MUSIC, timeout=self.ringing)
        except (CallOver, Offline) as error:
            self.log.info("%s did not get %s: %s", call.peer, agent, error)
            return False
        else:
            patience.reschedule(None)
            self.log.info("%s talks to %s", call.peer, agent)
            await call.ended()
            return True
        finally:
            asyncio.get_running_loop().call_later(self.pause, self.set_free, agent)

    def set_free(self, agent: Address) -> None:
        """Let an agent take the next call.

        Args:
            agent: which one.
        """
        self.free.append(agent)
        self.move()

    def move(self) -> None:
        """Wake all who wait, to see whether it is their turn."""
        self.moved.set()
        self.moved = asyncio.Event()

    async def take_message(self, call: Call) -> None:
        """Record what a caller says, until it presses a key or hangs up.

        Args:
            call: the caller's.
        """
        await call.say("Please speak after the tone. Press any key when you have finished.")
        await call.play(BEEP)
        recording = await call.record(direction="received", wav=True)
        try:
            await call.read_digits(count=1, fresh=True)
            await call.say("Thank you, good bye.")
            await call.hangup()
        finally:
            message = await recording.stop()
            self.log.info("%.0f s from %s: %s", message.seconds, call.peer, recording.path)
