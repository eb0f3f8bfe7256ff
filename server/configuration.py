"""What the embedded Prosody is told: ``prosody.cfg.lua``."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from .lua import to_lua

MODULES = (
    "roster",
    "saslauth",
    "tls",
    "disco",
    "presence",
    "message",
    "iq",
    "carbons",
    "smacks",
    "ping",
    "pep",
    "blocklist",
    "offline",
    "time",
)
"""What bots that call need: RFC 6121, XEPs 0030, 0115, 0160, 0163, 0191, 0198, 0199, 0202, 0280."""

WEBSOCKET = "websocket"
"""The module that takes clients over WebSocket (RFC 7395), for browsers."""

SERVICES = "external_services"
"""The module that tells clients of STUN and TURN servers (XEP-0215)."""

HIBERNATION = 300
"""Seconds for which a stream that was cut can be resumed (XEP-0198 §5)."""


def prosody_configuration(
    folder: Path,
    *,
    host: str,
    port: int,
    modules: Iterable[str] = MODULES,
    plugins: Path | None = None,
    http_port: int | None = None,
    plain: bool = False,
    services: Iterable[Mapping[str, object]] = (),
) -> str:
    """Write the configuration of a server that is private to this machine and this run.

    Args:
        folder: The server's own folder, absolute; ``certificate.pem`` and ``key.pem`` are in it.
        host: The XMPP domain it serves.
        port: The TCP port for clients, on 127.0.0.1.
        modules: Prosody's modules to load.
        plugins: A folder with modules besides Prosody's own, absolute; None: there are none.
        http_port: The TCP port for HTTP on 127.0.0.1, where browsers log in; None: no HTTP.
        plain: Whether SASL PLAIN (RFC 4616) is offered too, inside TLS.
        services: The STUN and TURN servers that clients are told of (XEP-0215), each as
            Prosody's ``external_services`` has it: ``type``, ``host``, ``port``, ``transport``,
            ``username``, ``password``.

    Returns:
        The text of ``prosody.cfg.lua`` (Lua, read by Prosody 0.12 and later).
    """
    told = list(services)
    extra = [*([] if http_port is None else [WEBSOCKET]), *([SERVICES] if told else [])]
    options = {
        # Prosody refuses to be root unless it is told; a container's only user often is.
        "run_as_root": os.geteuid() == 0,
        "pidfile": str(folder / "prosody.pid"),
        "data_path": str(folder / "data"),
        "installer_plugin_path": str(folder / "plugins"),
        "plugin_paths": () if plugins is None else [str(plugins)],
        "log": [{"levels": {"min": "info"}, "to": "console"}],
        "interfaces": ["127.0.0.1"],
        "c2s_ports": [port],
        "c2s_direct_tls_ports": (),
        "s2s_ports": (),
        "http_interfaces": ["127.0.0.1"],
        "http_ports": () if http_port is None else [http_port],
        "https_ports": (),
        # Requests that name 127.0.0.1 are for the one domain that there is.
        "http_default_host": host,
        # A plain WebSocket is as good as an encrypted one: it never leaves loopback.
        "consider_websocket_secure": True,
        "modules_enabled": (*modules, *extra),
        "external_services": told,
        "modules_disabled": ["s2s"],
        "certificates": str(folder),
        "ssl": {
            "certificate": str(folder / "certificate.pem"),
            "key": str(folder / "key.pem"),
        },
        "c2s_require_encryption": True,
        "authentication": "internal_hashed",
        "disable_sasl_mechanisms": ["LOGIN", "DIGEST-MD5", *(() if plain else ("PLAIN",))],
        # Rosters live as long as the run; accounts are files that we write.
        "default_storage": "memory",
        "storage": {"accounts": "internal"},
        "smacks_hibernation_time": HIBERNATION,
        "c2s_close_timeout": 1,
        # Lua's other way of collecting stops the server for 70 ms each second among 1,400 accounts,
        # in proportion to their number; this one for 12 ms at the most, with half the CPU, and
        # with 40 % more memory. On Lua before 5.4 the line is refused, and all stays as it was.
        "gc": {"mode": "generational"},
        # Else a stanza that follows another waits for the kernel's delayed acknowledgement: 40 ms.
        "network_settings": {"nagle": False},
    }
    lines = [f"{name} = {to_lua(value)}" for name, value in options.items()]
    return "\n".join([*lines, f"VirtualHost {to_lua(host)}", ""])
