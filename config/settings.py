"""Everything that one file declares."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from .account import AccountSettings
from .duration import Duration
from .fleet import MAX_ACCOUNTS
from .keep import Keep
from .media import MediaSettings
from .metrics import LOOPBACK, Address, MetricsSettings, as_metrics
from .model import FolderPath, Model
from .server import AnyServer, Embedded
from .web import WebSettings, as_web
from .webhook import MOST_WEBHOOKS, WebhookSettings

#: Octets that the path of a Unix socket may have (unix(7): 108 with the NUL at its end).
LONGEST_SOCKET = 107


def _beside_recordings(data: dict[str, object]) -> Path:
    recordings = data.get("recordings")
    return (recordings if isinstance(recordings, Path) else Path()) / "calls.jsonl"


AnyMetrics = Annotated[
    MetricsSettings,
    BeforeValidator(as_metrics, json_schema_input_type=Address | MetricsSettings),
]
"""An address, or a mapping."""

AnyWeb = Annotated[
    WebSettings | None,
    BeforeValidator(as_web, json_schema_input_type=bool | Address | WebSettings | None),
]
"""`true` or `false`, an address, or a mapping."""


class Settings(Model):
    """What an operator declares: a server, and the bots that log in to it."""

    server: AnyServer = Field(
        default=Embedded(),
        description="Where the accounts log in: `embedded` for a private server that lives as "
        "long as this run (accounts at `localhost`), a host name, or a mapping with "
        "the keys below. `{}` finds each account's server by DNS. `{host: embedded, "
        "port: 5222}` gives the private server a port that others can know.",
        examples=["embedded", {"host": "xmpp.example.org", "port": 5222}],
        json_schema_extra={"default": "embedded"},
    )
    recordings: FolderPath = Field(
        default=Path("recordings"),
        description="The folder for recordings, relative to this file. It is created when needed.",
        examples=["recordings/"],
    )
    call_log: FolderPath = Field(
        default_factory=_beside_recordings,
        description="The file to which each call adds a line of JSON when it ends. If left out, "
        "`calls.jsonl` in the folder of the recordings.",
        examples=["calls.jsonl"],
    )
    messages: FolderPath | None = Field(
        default=None,
        description="The folder in which the messages of conversations are kept, so that the board "
        "shows them after a restart, too. If left out, they are kept in memory alone, and nowhere "
        "on disk.",
        examples=["messages/"],
    )
    keep: Keep | None = Field(
        default=None,
        description="How long recordings, detail records and messages are kept; if left out, for "
        "ever. "
        "What is beyond it is removed when the run starts, and then each hour. "
        "`docs/operating.md` says what is never removed.",
        examples=[{"for": "90d", "size": "20GB"}],
    )
    control: FolderPath | None = Field(
        default=None,
        description="The Unix socket at which `callboard status` and other commands find the "
        "running instance. If left out, it has a name of its own in `$XDG_RUNTIME_DIR`, or in a "
        "folder of this user's in `/tmp`.",
        examples=["/run/callboard/control.sock"],
    )
    ladders: Annotated[int, Field(ge=0, le=100_000)] | Literal["all", "off"] = Field(
        default=100,
        description="How many calls' ladders are kept beside `call_log`, in a folder named like "
        "it (`calls.ladders`): those of the last calls, and of all calls that failed besides. "
        "`all` keeps every call's, `off` none. `callboard ladder` shows them.",
        examples=["all"],
    )
    media: MediaSettings = Field(
        default=MediaSettings(), description="The network and the receive path of all calls."
    )
    drain: Duration = Field(
        default=10.0,
        description="How long running calls may go on after SIGTERM or SIGINT, when no new ones "
        "start; and after a reload that removes their account or replaces its bot.",
        examples=["30s"],
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe messages that are logged."
    )
    metrics: AnyMetrics | None = Field(
        default=None,
        description="Where `callboard run` serves metrics for Prometheus, and whether all is well: "
        "an address, or a mapping with the keys below. If left out, nowhere.",
        examples=["127.0.0.1:9100", {"address": "127.0.0.1:9100", "ready": "80%"}],
    )
    web: AnyWeb = Field(
        default=None,
        description="Where `callboard run` and `callboard load` serve the board, a page on which "
        "people see and steer what runs: `true` for a free port of this machine, an address, or a "
        "mapping with the keys below. If left out, only with `--web`.",
        examples=["127.0.0.1:8470", {"address": 8470, "url": "https://board.example.org"}],
    )
    webhooks: Annotated[tuple[WebhookSettings, ...], Field(max_length=MOST_WEBHOOKS)] = Field(
        default=(),
        description="Whom `callboard run` tells over HTTP when a call starts or ends, a "
        "recording is ready, or an account is lost or back.",
    )
    accounts: Annotated[
        tuple[AccountSettings, ...], Field(min_length=1, max_length=MAX_ACCOUNTS)
    ] = Field(description="The accounts, each with its bot.")

    @field_validator("recordings", "messages")
    @classmethod
    def _check_folder(cls, folder: Path | None) -> Path | None:
        if folder is not None and folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is a file: name a folder")
        return folder

    @field_validator("call_log")
    @classmethod
    def _check_call_log(cls, file: Path) -> Path:
        if file.is_dir():
            raise ValueError(f"{file} is a folder: name a file, like calls.jsonl")
        return file

    @field_validator("control")
    @classmethod
    def _check_control(cls, socket: Path | None) -> Path | None:
        if socket is None:
            return None
        if (size := len(os.fsencode(socket))) > LONGEST_SOCKET:
            raise ValueError(
                f"{socket} is too long for a socket: {size} octets, and {LONGEST_SOCKET} are "
                "possible: give a shorter path"
            )
        if socket.exists() and not socket.is_socket():
            raise ValueError(f"{socket} is there, and no socket: choose another name")
        return socket

    @field_validator("media")
    @classmethod
    def _stay_on_loopback(cls, media: MediaSettings, info: ValidationInfo) -> MediaSettings:
        if isinstance(info.data.get("server"), Embedded) and media.addresses is None:
            return media.model_copy(update={"addresses": (LOOPBACK,)})
        return media
