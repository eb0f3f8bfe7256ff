"""A load plan: the server, the accounts, what they do, and what has to hold."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from ...bots.find import BotError, find_bot
from ...config import AccountSettings, CallPolicy, Settings
from ...config.duration import Duration
from ...config.fleet import MAX_ACCOUNTS
from ...config.load import load_as
from ...config.model import Count, Model
from ...config.near_miss import near_miss
from ...config.pattern import matches
from ...config.webhook import WebhookSettings
from .pairing import Pairing
from .phase import CallPhase, MessagePhase, Once, Phase, PresencePhase
from .threshold import AnyThreshold, Threshold

PARTICIPANT = "participant"
"""The bot of accounts that name none: it does what the phases say."""
RESOURCE = "load"
"""The resource of accounts that name none: callers must know it to call without XEP-0353."""


class LoadAccount(AccountSettings):
    """One account, or a fleet of accounts that differ in a number."""

    bot: str = Field(
        default=PARTICIPANT,
        pattern=r"^([a-z][a-z0-9_-]*|[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*)$",
        max_length=255,
        description="If left out, the account does what the phases say. A built-in bot, or "
        "`module:Class` for one of your own, may answer calls and messages instead; "
        "phases still call and send from its account.",
        examples=["echo", "mybots.desk:FrontDesk"],
    )
    calls: CallPolicy = Field(
        default=CallPolicy(limit=100_000), description="Which calls it takes, and how."
    )

    @field_validator("bot")
    @classmethod
    def _check_load_bot(cls, name: str, info: ValidationInfo) -> str:
        check = getattr(info.context, "check_bot", None)
        fault = check(name) if check is not None and name != PARTICIPANT else None
        if fault is not None:
            raise ValueError(fault)
        return name


class WatchdogSettings(Model):
    """When the generator itself counts as the bottleneck."""

    lag: Duration = Field(
        default=0.1, description="A shard's event loop wakes later than this (p99 of a second)."
    )
    cpu: Count = Field(
        default=95, ge=1, le=100, description="A shard uses more than this percent of its core."
    )
    for_: Duration = Field(
        alias="for",
        default=5.0,
        description="How long this must last without a break before the generator counts as "
        "saturated.",
    )
    then: Literal["warn", "abort"] = Field(
        default="warn",
        description="`warn` says so in the verdict; `abort` ends the run with exit status 3.",
    )


def _check_accounts(phase: Phase, info: ValidationInfo) -> Phase:
    accounts = info.data.get("accounts", ())
    match phase.activity:
        case CallPhase() | MessagePhase() as paired if accounts and not pairing(accounts, paired):
            raise ValueError(
                f"the phase {phase.title} has no pair of accounts: 'from' and 'to' must each match "
                "one"
            )
        case (Once() | PresencePhase()) as one if accounts and not places_of(
            accounts, one.accounts
        ):
            raise ValueError(
                f"the phase {phase.title} has no accounts: 'accounts' matches none of the plan's"
            )
    return phase


def _refuse_webhooks(webhooks: tuple[WebhookSettings, ...]) -> tuple[WebhookSettings, ...]:
    if webhooks:
        raise ValueError("load tests tell no webhooks what happens: remove them from the plan")
    return webhooks


def _check_phase(threshold: Threshold, info: ValidationInfo) -> Threshold:
    known = titles(info.data.get("phases", ()))
    if threshold.phase is not None and known and threshold.phase not in known:
        close = near_miss(threshold.phase, known)
        hint = f"did you mean {close!r}?" if close else f"there are {', '.join(known)}"
        raise ValueError(f"phase: there is no phase {threshold.phase!r}: {hint}")
    return threshold


class Plan(Settings):
    """A load plan: everything that an accounts file has, phases and thresholds."""

    accounts: Annotated[tuple[LoadAccount, ...], Field(min_length=1, max_length=MAX_ACCOUNTS)] = (
        Field(description="The accounts that take part, usually fleets.")
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="error", description="The least severe messages that are logged."
    )
    webhooks: Annotated[tuple[WebhookSettings, ...], AfterValidator(_refuse_webhooks)] = Field(
        default=(), description="Load tests tell nobody; only `callboard run` does."
    )
    phases: Annotated[
        tuple[Annotated[Phase, AfterValidator(_check_accounts)], ...],
        Field(min_length=1, max_length=1000),
    ] = Field(description="What the accounts do, one phase after another unless it says otherwise.")
    thresholds: Annotated[
        tuple[Annotated[AnyThreshold, AfterValidator(_check_phase)], ...], Field(max_length=1000)
    ] = Field(
        default=(),
        description="What must hold; if any of it does not, the exit status is 1.",
        examples=[["call.setup.p95 < 500ms", "login.failed == 0"]],
    )
    shards: Count | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="How many processes share the accounts. If left out, one for each core.",
    )
    seed: Count = Field(
        default=1,
        ge=0,
        le=2**31,
        description="The seed of the random numbers, such as the drawn hold times.",
    )
    watchdog: WatchdogSettings = Field(
        default=WatchdogSettings(),
        description="When the load generator itself counts as the bottleneck.",
    )
    lost_shard: Literal["continue", "abort"] = Field(
        default="continue",
        description="What happens to the run when a shard dies, which loses its accounts and "
        "calls.",
    )
    server_pid: Count | None = Field(
        default=None,
        ge=1,
        le=2**22,
        description="The process id of the server, if it runs on this machine, so that its CPU "
        "and memory are measured. With `server: embedded` it is known.",
    )


def titles(phases: tuple[Phase, ...]) -> tuple[str, ...]:
    """Return what phases are called, each differently: ``call``, ``call 2`` and so on."""
    found: list[str] = []
    for phase in phases:
        title, number = phase.title, 1
        while title in found:
            number += 1
            title = f"{phase.title} {number}"
        found.append(title)
    return tuple(found)


def places_of(accounts: tuple[LoadAccount, ...], patterns: tuple[str, ...]) -> list[int]:
    """Return the places in `accounts` of those that a pattern matches."""
    if patterns == ("*",):
        return list(range(len(accounts)))
    return [place for place, one in enumerate(accounts) if matches(patterns, one.jid)]


def pairing(accounts: tuple[LoadAccount, ...], activity: CallPhase | MessagePhase) -> Pairing:
    """Return who does something with whom.

    Args:
        accounts: all accounts of the plan.
        activity: what is done.
    """
    return Pairing.of(places_of(accounts, activity.from_), places_of(accounts, activity.to))


def load_plan(path: Path) -> Plan:
    """Read a load plan and find its bots. Blocks on files: call it in an executor.

    Args:
        path: the YAML file.

    Raises:
        ConfigError: something is wrong with it; has all faults, not just the first.
    """
    folder = path.absolute().parent

    def check_bot(name: str) -> str | None:
        try:
            find_bot(name, folder)
        except BotError as error:
            return str(error)
        return None

    plan = load_as(Plan, path, check_bot=check_bot)
    accounts = tuple(
        one if "/" in one.jid else one.model_copy(update={"jid": f"{one.jid}/{RESOURCE}"})
        for one in plan.accounts
    )
    return plan.model_copy(update={"accounts": accounts})
