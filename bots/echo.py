"""The bot ``echo``."""

from .bot import Bot
from .call import Call
from .message import Message
from .options import Options


class EchoBot(Bot):
    """Sends back what it hears, sees and reads."""

    path = "packets"

    def read_options(self, options: Options) -> None:
        """Take no options."""

    async def on_call(self, call: Call) -> None:
        """Answer with the caller's own audio and video."""
        await call.answer(
            audio="echo" if "audio" in call.media else None,
            video="echo" if "video" in call.media else None,
        )
        await call.ended()

    async def on_message(self, message: Message) -> None:
        """Reply with the same words."""
        await message.reply(message.body)
