"""Where metrics and health are served, and when the accounts count as ready."""

import ipaddress
import re
import socket
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from .model import Flag, Model

LOOPBACK = "127.0.0.1"
_ADDRESS = r"^((\d{1,3}(\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]|localhost):)?\d{1,5}$"
_READY = r"^(any|all|(100|[1-9]\d?) ?%)$"
_WANTED = "give an IP address of this machine and a port, like 127.0.0.1:9100"


class ListenAddress(NamedTuple):
    """Where a server listens.

    Attributes:
        host: an IP address.
        port: a TCP port; 0: a free one.
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether this machine alone can reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    def listen(self) -> socket.socket:
        """Open a socket that listens there.

        Raises:
            OSError: nothing can listen there.
        """
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        return socket.create_server(self, family=family)


def parse_address(value: object) -> ListenAddress:
    """Read where to listen.

    Args:
        value: ``127.0.0.1:9100``, ``[::1]:9100``, ``localhost:9100``, or a port alone, which is
            one on 127.0.0.1.

    Raises:
        ValueError: It is none.
    """
    if isinstance(value, ListenAddress):
        return value
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(_WANTED)
    text = str(value).strip()
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]") and "%" not in host:
        host = host[1:-1]
    elif ":" in host:
        raise ValueError(f"{text!r} is not clear: put an IPv6 address in brackets, like [::1]:9100")
    if not re.fullmatch(r"[0-9]{1,5}", port) or not int(port) <= 65535:
        raise ValueError(f"{text!r} has no port from 0 to 65535: {_WANTED}")
    if text.startswith(":"):
        raise ValueError(f"{text!r} does not say which address: {_WANTED}, or 0.0.0.0:{port}")
    host = LOOPBACK if host in {"", "localhost"} else host
    try:
        return ListenAddress(str(ipaddress.ip_address(host)), int(port))
    except ValueError:
        raise ValueError(f"{host!r} is not an IP address: {_WANTED}") from None


def _check_ready(text: str) -> str:
    if not re.fullmatch(_READY, text):
        raise ValueError(f"{text!r} is no such demand: give any, all, or a share from 1% to 100%")
    return text.replace(" ", "")


Address = Annotated[
    ListenAddress,
    BeforeValidator(parse_address),
    WithJsonSchema(
        {
            "title": "address and port",
            "anyOf": [
                {"type": "string", "pattern": _ADDRESS},
                {"type": "integer", "minimum": 0, "maximum": 65535},
            ],
        }
    ),
]
Ready = Annotated[
    str,
    AfterValidator(_check_ready),
    WithJsonSchema({"title": "any, all or a share", "type": "string", "pattern": _READY}),
]


class MetricsSettings(Model):
    """Metrics for Prometheus, and whether all is well, over HTTP.

    `/metrics`, `/healthz` and `/readyz` are served: see [Monitoring](monitoring.md). Whoever can
    reach the address can read them. Needs the extra `callboard[metrics]`.
    """

    address: Address = Field(
        description="The IP address of this machine and the TCP port. A port alone is one on "
        "127.0.0.1, which only this machine can reach; `0.0.0.0:9100` is on all addresses. "
        "Port 0 is a free one, which is logged.",
        examples=["127.0.0.1:9100"],
    )
    ready: Ready = Field(
        default="any",
        description="How many of the accounts must be online for `/readyz` to say so: `any`, "
        "`all`, or a share of them.",
        examples=["80%"],
    )
    accounts: Flag = Field(
        default=False,
        description="Whether each account has a metric of its own, `callboard_account_online`, "
        "with its JID. Only for files with up to 100 accounts.",
    )

    def needed(self, accounts: int) -> int:
        """Return how many accounts must be online.

        Args:
            accounts: how many there are.
        """
        match self.ready:
            case "any":
                return min(1, accounts)
            case "all":
                return accounts
        return -(-accounts * int(self.ready.rstrip("%")) // 100)


def as_metrics(value: Any) -> Any:
    """Take an address alone where the settings of metrics are wanted.

    Args:
        value: What stands in the file.
    """
    return {"address": value} if isinstance(value, str | int) else value
