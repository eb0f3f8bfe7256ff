"""A bot's account: who it is, how it shows itself, which calls it takes."""

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from .duration import Duration
from .fleet import parse_fleet
from .jid import parse_jid
from .model import Count, Flag, Items, Model, ValidationContext, as_secret
from .pattern import Pattern, matches


def _check_peer(text: str) -> str:
    jid = parse_jid(text)
    if jid.resource:
        raise ValueError(f"{text!r} has a resource, but subscriptions are to bare JIDs: remove it")
    return jid.bare


def _check_jid(text: str) -> str:
    if parse_fleet(text) is not None:
        return text
    jid = parse_jid(text)
    if not jid.local:
        raise ValueError(f"{text!r} has no user before an @: write it like desk@example.org")
    return str(jid)


def _check_text(text: str) -> str:
    for character in text:
        if not character.isprintable() and character not in "\n\t":
            raise ValueError(f"{character!r} can't be sent over XMPP: remove it")
    return text


def _check_bot(name: str, info: ValidationInfo) -> str:
    if isinstance(info.context, ValidationContext) and info.context.check_bot is not None:
        fault = info.context.check_bot(name)
        if fault is not None:
            raise ValueError(fault)
    return name


Patterns = Annotated[
    tuple[Pattern, ...], Field(max_length=10_000), Items("a pattern like *@example.org")
]
Peers = Annotated[
    tuple[Annotated[str, AfterValidator(_check_peer)], ...],
    Field(max_length=10_000),
    Items("a JID like alice@example.org"),
]


class CallPolicy(Model):
    """Which calls an account takes, and how."""

    answer: Literal["auto", "bot", "never"] = Field(
        default="bot",
        description="`auto` answers each call that is allowed, once it has rung for `after`, if "
        "the bot has not answered it within another second. `bot` leaves it to the bot. `never` "
        "declines every call.",
    )
    after: Duration = Field(
        default=0.0,
        description="How long a call rings at least, whether `answer: auto` or the bot answers it.",
        examples=["2s"],
    )
    from_: Patterns = Field(
        default=("*",),
        alias="from",
        description="Who may call: bare JIDs, where `*` stands for any characters and `?` for "
        "one. Calls from others are declined. An invite to a call (XEP-0482) must "
        "come from one of them, and the call that it names must be with one of "
        "them.",
        examples=["*@example.org", ["alice@example.org", "*@example.net"]],
    )
    limit: Count = Field(
        default=4,
        ge=1,
        le=100_000,
        description="How many calls may run at once; any more are refused with `busy`.",
    )
    audio: Flag = Field(default=True, description="Whether calls have audio.")
    video: Flag = Field(
        default=True,
        description="Whether calls have video. If not, a caller's video is answered as inactive.",
    )
    max_duration: Duration | None = Field(
        default=None,
        description="How long a call may last, counted from its answer. If left out, there is "
        "no limit.",
        examples=["1h"],
    )
    ring_timeout: Duration = Field(
        default=60.0,
        description="How long a call may ring, in either direction, before it is ended.",
        examples=["45s"],
    )

    keep_digits: Flag = Field(
        default=False,
        description="Whether the keys that a peer presses stand in the log, in the events of "
        "`--json` and in the call's detail record. They may be a PIN.",
    )

    @field_validator("max_duration", "ring_timeout")
    @classmethod
    def _check_time(cls, seconds: float | None) -> float | None:
        if seconds == 0:
            raise ValueError("a call needs more than 0 s: give more")
        return seconds

    @field_validator("video")
    @classmethod
    def _check_kinds(cls, video: bool, info: ValidationInfo) -> bool:
        if not video and info.data.get("audio") is False:
            raise ValueError("a call has audio, video or both: turn one on, or set 'answer: never'")
        return video

    def allows(self, jid: str) -> bool:
        """Tell whether somebody may call.

        Args:
            jid: The caller's address, bare or full.

        Returns:
            Whether ``from`` has a pattern that matches it.
        """
        return matches(self.from_, jid)


class Subscriptions(Model):
    """Who sees the bot's presence, and whose presence it sees (RFC 6121 §3)."""

    accept: Patterns | None = Field(
        default=None,
        description="Whose requests to see the bot's presence are granted, as patterns like "
        "those of `calls.from`. If left out, everyone who may call: most clients "
        "show their call button only for contacts whose presence they see.",
        examples=["*@example.org"],
    )
    request: Peers = Field(
        default=(),
        description="Whose presence the bot asks to see when it logs in: bare JIDs.",
        examples=["alice@example.org"],
    )

    def accepts(self, jid: str) -> bool:
        """Tell whether somebody may see the bot's presence.

        Args:
            jid: The address of who asks, bare or full.

        Returns:
            Whether ``accept`` has a pattern that matches it.
        """
        return matches(self.accept or (), jid)


class AccountSettings(Model):
    """One account, or a fleet of accounts that differ in a number."""

    jid: Annotated[str, Field(max_length=3 * 1023 + 2), AfterValidator(_check_jid)] = Field(
        description="The address, with a resource if the bot needs a fixed one. "
        "`load-{0001..0200}@example.org` declares a fleet of 200, with the zeros as "
        "written.",
        examples=["desk@example.org", "load-{0001..0200}@example.org"],
    )
    resource: str | None = Field(
        default=None,
        description="The resource, unless `jid` has one. If left out, the server chooses one.",
        examples=["callboard"],
    )
    password: Annotated[SecretStr, BeforeValidator(as_secret)] = Field(
        default=SecretStr(""),
        description="The password itself, `${VARIABLE}` for an environment variable (`$${` for "
        "those two characters), or `file:PATH`, relative to this file; the file's "
        "last line break is ignored. A fleet takes one password for all, or a file "
        "with one line for each account. With `server: embedded` it may be left "
        "out, and a random one is used.",
        examples=["${DESK_PASSWORD}", "file:secrets/desk"],
    )
    bot: Annotated[
        str,
        Field(pattern=r"^([a-z][a-z0-9_-]*|[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*)$", max_length=255),
        AfterValidator(_check_bot),
    ] = Field(
        description="What the account does: a built-in bot, or `module:Class` for a class of "
        "your own in a module beside this file, or in an installed one.",
        examples=["recorder", "mybots.desk:FrontDesk"],
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="The bot's own options; the bot checks them.",
        examples=[{"to": "desk@example.org", "every": "30s"}],
    )
    show: Literal["", "chat", "away", "dnd", "xa"] = Field(
        default="",
        description="The availability to show (RFC 6121 §4.7.2.1): `chat`, `away`, `dnd` (do "
        "not disturb) or `xa` (away for long). If left out, simply available.",
    )
    status: Annotated[str, Field(max_length=1024), AfterValidator(_check_text)] = Field(
        default="", description="The text to show beside it.", examples=["Recording line"]
    )
    priority: Count = Field(
        default=0,
        ge=-128,
        le=127,
        description="The presence's priority (RFC 6121 §4.7.2.3): messages to the bare JID go "
        "to the resource with the highest one, and never to a negative one. Calls "
        "ring whatever it is, because servers send copies of call messages to all "
        "resources (XEP-0280).",
    )
    calls: CallPolicy = Field(default=CallPolicy(), description="Which calls it takes, and how.")
    subscriptions: Subscriptions = Field(
        default=Subscriptions(), description="Who sees its presence, and whose presence it sees."
    )

    @model_validator(mode="before")
    @classmethod
    def _join_resource(cls, data: Any) -> Any:
        """Make the JID a full one when the resource has a key of its own."""
        if isinstance(data, dict):
            jid, resource = data.get("jid"), data.get("resource")
            if isinstance(jid, str) and isinstance(resource, str) and resource and "/" not in jid:
                return {**data, "jid": f"{jid}/{resource}"}
        return data

    @field_validator("resource")
    @classmethod
    def _check_resource(cls, resource: str | None, info: ValidationInfo) -> str | None:
        if resource == "":
            raise ValueError("the resource is empty: leave it out, and the server chooses one")
        if "jid" not in info.data:
            return resource
        named = info.data["jid"].partition("/")[2] or None
        if resource is not None and resource != named:
            raise ValueError(f"the jid already names the resource {named!r}: keep one of the two")
        return named

    @field_validator("subscriptions")
    @classmethod
    def _accept_callers(cls, value: Subscriptions, info: ValidationInfo) -> Subscriptions:
        if value.accept is not None or "calls" not in info.data:
            return value
        return value.model_copy(update={"accept": info.data["calls"].from_})

    @property
    def bare_jid(self) -> str:
        """The address without its resource."""
        return self.jid.partition("/")[0]

    @property
    def user(self) -> str:
        """The localpart of the address."""
        return self.jid.partition("@")[0]

    @property
    def domain(self) -> str:
        """The domainpart of the address."""
        return self.bare_jid.rpartition("@")[2]
