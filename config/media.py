"""How the sockets of calls are opened and what is done with what they receive."""

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from .jid import check_domain
from .model import Flag, Items, Model

STUN_PORT = 3478
"""The default of RFC 8489 §18.6."""


def _check_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is not an IP address: give one of this machine") from None


def _parse_ports(value: Any) -> Any:
    wanted = "give a range of UDP ports from 1 to 65535, like 40000-40100"
    match value:
        case None:
            return None
        case str() if match := re.fullmatch(r"(\d{1,5})\s*-\s*(\d{1,5})", value):
            low, high = int(match[1]), int(match[2])
        case [int(low), int(high)] if not isinstance(low, bool) and not isinstance(high, bool):
            pass
        case _:
            raise ValueError(wanted)
    if not 1 <= low <= high <= 65535:
        raise ValueError(wanted)
    return (low, high)


def _check_stun(text: str) -> str:
    match = re.fullmatch(r"(?:stun:)?([^\s\[\]:/]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?", text)
    port = int(match[2] or STUN_PORT) if match else 0
    if match is None or not 1 <= port <= 65535:
        raise ValueError(f"{text!r} is not a STUN server: write it like stun.example.org:3478")
    check_domain(match[1].lower(), text)
    return f"stun:{match[1].lower()}:{port}"


_SIZE = r"[1-9]\d{0,4}x[1-9]\d{0,4}"


def _check_size(text: str) -> str:
    if not re.fullmatch(_SIZE, text):
        raise ValueError(
            f"{text!r} is not a size: write width and height in pixels, like 1920x1080"
        )
    return text


Size = Annotated[
    str,
    AfterValidator(_check_size),
    WithJsonSchema({"title": "size", "type": "string", "pattern": f"^{_SIZE}$"}),
]
Addresses = Annotated[
    tuple[Annotated[str, AfterValidator(_check_address)], ...],
    Field(min_length=1, max_length=64),
    Items("an IP address of this machine"),
]
StunServers = Annotated[
    tuple[Annotated[str, AfterValidator(_check_stun)], ...],
    Field(max_length=8),
    Items("a server like stun.example.org:3478"),
]
Ports = Annotated[
    tuple[int, int] | None,
    BeforeValidator(_parse_ports),
    WithJsonSchema(
        {
            "title": "port range",
            "anyOf": [
                {"type": "string", "pattern": r"^\d{1,5}\s*-\s*\d{1,5}$"},
                {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 1, "maximum": 65535},
                    "minItems": 2,
                    "maxItems": 2,
                },
                {"type": "null"},
            ],
        }
    ),
]


class MediaSettings(Model):
    """The network and the receive path of all calls."""

    addresses: Addresses | None = Field(
        default=None,
        description="The IP addresses of this machine on which calls send and receive. If left "
        "out, all except loopback; with `server: embedded`, `127.0.0.1`.",
        examples=["192.0.2.7", ["192.0.2.7", "2001:db8::7"]],
    )
    ports: Ports = Field(
        default=None,
        description="The UDP ports that calls may use, both ends included; open them in the "
        "firewall. A call takes one port on each address. If left out, the system "
        "chooses.",
        examples=["40000-40100", [40000, 40100]],
    )
    path: Literal["packets", "frames", "none"] = Field(
        default="packets",
        description="What happens to received media, unless a bot asks for something else: "
        "`packets` keeps it encoded for recording and echo, and decodes it only while "
        "a bot listens or looks; `frames` is the same, and once was needed for video; "
        "`none` counts and discards it.",
    )
    largest_picture: Size = Field(
        default="3840x2160",
        description="Width and height in pixels. Larger pictures are not decoded, because a few "
        "bytes from a peer could claim a picture of a gigabyte. They are still "
        "recorded and forwarded.",
    )
    stun: StunServers = Field(
        default=(),
        description="STUN servers (RFC 8489) that tell a machine behind NAT its public address. "
        "No other servers are asked, except those that `services` allows.",
        examples=["stun.example.org:3478"],
    )
    services: Flag = Field(
        default=True,
        description="Whether calls use the STUN and TURN servers that an account's own server "
        "offers (XEP-0215).",
    )
    relay: Literal["allowed", "only"] = Field(
        default="allowed",
        description="`only` sends and receives through a TURN relay and in no other way, so "
        "that peers never learn this machine's addresses; a call without a relay "
        "fails.",
    )

    @property
    def most_pixels(self) -> int:
        """How many pixels a picture may have to be decoded."""
        width, height = self.largest_picture.split("x")
        return int(width) * int(height)
