"""The phases of a plan: what the accounts do, how often, and for how long."""

import math
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ...bots.source import source
from ...config.account import Patterns
from ...config.duration import Duration
from ...config.model import Count, Flag, Model, ValidationContext
from .arrival import Arrivals, Segment
from .hold import AnyHoldTime, HoldTime
from .rate import Rate

ACCOUNTS = Field(
    default=("*",), description="Which accounts take part: bare JIDs, `*` for any characters."
)


class Step(Model):
    """One step of an arrival rate."""

    rate: Rate = Field(description="Starts per second.", examples=["20/s"])
    for_: Duration = Field(alias="for", gt=0, description="How long it lasts.", examples=["30s"])
    ramp: Duration = Field(
        default=0.0,
        description="How much of that time the rate takes to move from the last step's to this "
        "one's.",
    )

    @field_validator("ramp")
    @classmethod
    def _check_ramp(cls, ramp: float, info: ValidationInfo) -> float:
        if ramp > info.data.get("for_", ramp):
            raise ValueError("the ramp is longer than the step: make 'for' at least that long")
        return ramp


class Once(Model):
    """Something that each account does once."""

    accounts: Patterns = ACCOUNTS
    rate: Rate = Field(default=50.0, description="Starts per second.", examples=["50/s"])
    ramp: Duration = Field(default=0.0, description="How long the rate takes from 0 to `rate`.")

    @property
    def arrivals(self) -> Arrivals:
        """When the accounts start."""
        return Arrivals(
            [Segment(self.ramp, 0.0, self.rate), Segment(math.inf, self.rate, self.rate)]
        )


class LoginPhase(Once):
    """Accounts log in; the phase ends when each has, or has failed."""


class LogoutPhase(Once):
    """Accounts log out."""


class IdlePhase(Model):
    """Nothing is done, and what happens is measured."""

    duration: Duration = Field(gt=0, description="How long.", examples=["30s"])


class Repeated(Model):
    """Something that starts again and again, at an open arrival rate."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["rate", "duration"]}, {"required": ["steps"]}]}
    )

    rate: Rate | None = Field(
        default=None, description="Starts per second, over all accounts together.", examples=["5/s"]
    )
    duration: Duration | None = Field(
        default=None,
        description="How long new ones are started; what has started by then ends in its own time.",
    )
    ramp: Duration = Field(default=0.0, description="How long the rate takes from 0 to `rate`.")
    steps: Annotated[tuple[Step, ...], Field(max_length=1000)] = Field(
        default=(),
        description="Several rates, one after another, instead of `rate` and `duration`.",
    )

    @model_validator(mode="after")
    def _check_rate(self) -> "Repeated":
        if self.steps and (self.rate is not None or self.duration is not None):
            raise ValueError("the phase has 'steps': remove 'rate' and 'duration'")
        if not self.steps and (self.rate is None or not self.duration):
            raise ValueError("the phase has no rate: add 'rate' and 'duration', or 'steps'")
        if self.duration is not None and self.ramp > self.duration:
            raise ValueError(
                "the ramp is longer than the duration: make 'duration' at least that long"
            )
        return self

    @property
    def arrivals(self) -> Arrivals:
        """When iterations start."""
        segments = []
        before = 0.0
        for step in self._turns:
            segments.append(Segment(step.ramp, before, step.rate))
            segments.append(Segment(step.for_ - step.ramp, step.rate, step.rate))
            before = step.rate
        return Arrivals(segments)

    @property
    def peak(self) -> float:
        """The highest rate, in starts a second."""
        return max(step.rate for step in self._turns)

    @property
    def _turns(self) -> tuple[Step, ...]:
        if self.rate is None or self.duration is None:
            return self.steps
        return (Step.model_construct(rate=self.rate, for_=self.duration, ramp=self.ramp),)


class PresencePhase(Repeated):
    """Accounts change their presence (RFC 6121 §4.4), in turn."""

    accounts: Patterns = ACCOUNTS


class Paired(Repeated):
    """Something that one account does with another."""

    from_: Patterns = Field(
        default=("*",), alias="from", description="Who starts: patterns of bare JIDs."
    )
    to: Patterns = Field(
        default=("*",),
        description="With whom. Accounts that start are left out here. If both patterns match "
        "the same accounts, the first half starts.",
    )


class MessagePhase(Paired):
    """Accounts send chat messages."""

    size: Count = Field(default=100, ge=1, le=65_536, description="Characters of the body.")
    receipts: Flag = Field(default=True, description="Whether receipts are wanted (XEP-0184).")


def _check_source(name: str, info: ValidationInfo) -> str:
    if isinstance(info.context, ValidationContext):
        source(name, info.context.folder, "audio" if info.field_name == "audio" else "video")
    return name


Playable = Annotated[str, Field(max_length=4096), AfterValidator(_check_source)]


class CallPhase(Paired):
    """Accounts call each other."""

    hold: AnyHoldTime = Field(
        default=HoldTime(mean=10.0),
        description="How long a call is held, from the moment that media is secured; 10 s if "
        "left out.",
        examples=["30s", {"distribution": "exponential", "mean": "2m"}],
    )
    audio: Playable = Field(
        default="tone",
        description="What both sides send: `silence`, `tone`, `tone:FREQUENCY`, a file beside the "
        "plan, or `none` for calls without audio.",
    )
    video: Playable = Field(
        default="none", description="What both sides show: `pattern`, a file, or `none`."
    )
    loop: Flag = Field(
        default=True,
        description="Whether what has an end is played again and again. Otherwise there is silence "
        "after it, and a black picture.",
    )
    path: Literal["packets", "frames", "none"] = Field(
        default="none",
        description="What happens to received media: `none` counts it, `packets` puts whole "
        "encoded frames together, and so does `frames`.",
    )
    propose: Flag = Field(
        default=True,
        description="Whether calls start with a proposal by message (XEP-0353), or directly.",
    )

    @field_validator("video")
    @classmethod
    def _check_kinds(cls, video: str, info: ValidationInfo) -> str:
        if video == "none" and info.data.get("audio") == "none":
            raise ValueError("a call has audio, video or both: name a source for one")
        return video


Activity = LoginPhase | IdlePhase | PresencePhase | MessagePhase | CallPhase | LogoutPhase

KINDS = ("login", "idle", "presence", "message", "call", "logout")


class Phase(Model):
    """One phase: exactly one of login, idle, presence, message, call, logout."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [kind]} for kind in KINDS]})

    name: Annotated[str, Field(max_length=64)] = Field(
        default="", description="What the report calls it. If left out, the name of what it does."
    )
    start: Literal["after", "with"] = Field(
        default="after",
        description="`after` starts when all phases above have ended, `with` together with the "
        "one above.",
    )
    delay: Duration = Field(default=0.0, description="How much later than that.")
    login: LoginPhase | None = Field(default=None, description="Log in.")
    idle: IdlePhase | None = Field(default=None, description="Wait.")
    presence: PresencePhase | None = Field(default=None, description="Change presence.")
    message: MessagePhase | None = Field(default=None, description="Send messages.")
    call: CallPhase | None = Field(default=None, description="Call.")
    logout: LogoutPhase | None = Field(default=None, description="Log out.")

    @model_validator(mode="after")
    def _check_kind(self) -> "Phase":
        found = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(found) != 1:
            what = " and ".join(found) or "nothing"
            raise ValueError(
                f"a phase does one thing, but this one does {what}: name one of {_LISTED}"
            )
        return self

    @property
    def kind(self) -> str:
        """What is done."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def title(self) -> str:
        """What the phase is called."""
        return self.name or self.kind

    @property
    def activity(self) -> Activity:
        """How it is done."""
        activity: Activity = getattr(self, self.kind)
        return activity


_LISTED = ", ".join(KINDS)
