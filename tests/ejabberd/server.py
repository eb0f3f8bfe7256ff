"""ejabberd as a private server on loopback: a second one, which we did not grow up with.

Debian's program is started as ``erl … -s ejabberd`` with everything it writes in one folder; the
keeper of the embedded server sees to it that it ends with us, whatever ends us.
"""

import contextlib
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from callboard.server import keeper
from callboard.server.certificate import make_certificates

ADDRESS = "127.0.0.1"
HOST = "localhost"
PATIENCE = 60.0
"""Seconds that ejabberd may take to be ready; it needs two or three on an idle machine."""

_CONFIGURATION = """\
hosts: ["{host}"]
loglevel: warning
log_rotate_count: 0
acme: {{auto: false}}
certfiles: ["{folder}/server.pem"]
auth_method: internal
auth_password_format: scram
s2s_access: none
language: en
listen:
  - port: {port}
    ip: "{address}"
    module: ejabberd_c2s
    access: all
    max_stanza_size: 262144
    starttls_required: true
modules:
  mod_blocking: {{}}
  mod_caps: {{}}
  mod_carboncopy: {{}}
  mod_disco: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_privacy: {{}}
  mod_roster: {{versioning: true}}
  mod_stream_mgmt: {{resume_timeout: 60}}
  mod_time: {{}}
"""

# It calls us when it is up, and then takes a line for each test: who has an account from now on.
_CONTROL = """\
{{ok, Socket}} = gen_tcp:connect({{127,0,0,1}}, {calling},
    [binary, {{packet, line}}, {{buffer, 65536}}, {{active, false}}]),
ok = gen_tcp:send(Socket, [os:getpid(), $\\n]),
Serve = fun(Again) ->
    case gen_tcp:recv(Socket, 0) of
        {{ok, Line}} ->
            {{ok, Tokens, _}} = erl_scan:string(binary_to_list(Line)),
            {{ok, Accounts}} = erl_parse:parse_term(Tokens),
            [ejabberd_auth:remove_user(User, Host)
                || {{User, Host}} <- ejabberd_auth:get_users(<<"{host}">>)],
            [ok = ejabberd_auth:try_register(User, <<"{host}">>, Password)
                || {{User, Password}} <- Accounts],
            ok = gen_tcp:send(Socket, <<"done\\n">>),
            Again(Again);
        _ -> ok
    end
end,
Serve(Serve)."""


class Ejabberd:
    """A server that runs, for many tests one after the other.

    Args:
        port: on 127.0.0.1.
        folder: where it keeps its files.
        control: the connection that the server opened to us.

    Attributes:
        pid: of the Erlang machine.
        port: on 127.0.0.1.
        certificate: the file with the authority to trust (PEM).
    """

    def __init__(self, port: int, folder: Path, control: socket.socket) -> None:
        self.port = port
        self.certificate = folder / "authority.pem"
        self._control = control
        control.settimeout(PATIENCE)
        self.pid = int(control.recv(16))

    def reset(self, accounts: Mapping[str, str]) -> None:
        """Forget every account with its roster and messages, and have these (user → password)."""
        pairs = (f'{{<<"{user}">>, <<"{password}">>}}' for user, password in accounts.items())
        self._control.sendall(f"[{', '.join(pairs)}].\n".encode())
        assert self._control.recv(16) == b"done\n"


def installed() -> bool:
    """Whether Debian's ejabberd and Erlang are here."""
    return shutil.which("erl") is not None and _libraries() is not None


def _libraries() -> Path | None:
    found = sorted(Path("/usr/lib").glob("*/ejabberd-*/ebin/ejabberd.app"))
    return found[-1].parents[2] if found else None


@contextlib.contextmanager
def running() -> Iterator[Ejabberd]:
    """Run ejabberd, and leave nothing of it.

    Raises:
        RuntimeError: it did not come up; its last lines are shown.
    """
    folder = Path(tempfile.mkdtemp(prefix="callboard-ejabberd-"))
    with socket.create_server((ADDRESS, 0)) as listener:
        with socket.create_server((ADDRESS, 0)) as free:
            port = int(free.getsockname()[1])
        control = _prepare(folder, port, listener.getsockname()[1])
        kept = _start(folder, control)
        assert kept.stdin is not None
        kept.stdin.write(keeper.GO)
        kept.stdin.flush()
        try:
            with _called(listener, kept, folder) as connection:
                yield Ejabberd(port, folder, connection)
        finally:
            # A byte asks the keeper for SIGKILL: Mnesia's tables go with the folder anyway.
            with contextlib.suppress(BrokenPipeError):
                kept.stdin.write(b"!")
                kept.stdin.close()
            kept.wait()


def _prepare(folder: Path, port: int, calling: int) -> str:
    certificates = make_certificates(HOST)
    (folder / "authority.pem").write_text(certificates.authority)
    pem = folder / "server.pem"
    pem.touch(mode=0o600)
    pem.write_text(certificates.chain + certificates.key)
    configuration = _CONFIGURATION.format(folder=folder, host=HOST, address=ADDRESS, port=port)
    (folder / "ejabberd.yml").write_text(configuration)
    return _CONTROL.format(host=HOST, calling=calling)


def _start(folder: Path, control: str) -> "subprocess.Popen[bytes]":
    with (folder / "console.log").open("wb") as console:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, str(folder), *_command(folder, control)],
            stdin=subprocess.PIPE,
            stdout=console,
            stderr=subprocess.STDOUT,
            env=_environment(folder),
            cwd="/",
            start_new_session=True,
        )


def _command(folder: Path, control: str) -> list[str]:
    erl = shutil.which("erl")
    assert erl is not None
    # No -sname: without distribution there is no epmd, which would outlive us.
    mnesia = ["-mnesia", "dir", f'"{folder}/mnesia"']
    return [erl, "-noshell", "-noinput", *mnesia, "-s", "ejabberd", "-eval", control]


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "ERL_LIBS": str(_libraries()),
        "ERL_CRASH_DUMP": str(folder / "crash.dump"),
        "ERL_CRASH_DUMP_BYTES": "0",
        "EJABBERD_CONFIG_PATH": str(folder / "ejabberd.yml"),
        "EJABBERD_LOG_PATH": str(folder / "ejabberd.log"),
    }


def _called(
    listener: socket.socket, kept: "subprocess.Popen[bytes]", folder: Path
) -> socket.socket:
    """Wait for ejabberd to call us, or to end."""
    ended, calling = os.pidfd_open(kept.pid), listener.fileno()
    try:
        ready, _, _ = select.select([calling, ended], [], [], PATIENCE)
    finally:
        os.close(ended)
    if calling not in ready:
        log = folder / "console.log"
        said = log.read_text(errors="replace")[-2000:] if log.exists() else "(its folder is gone)"
        raise RuntimeError(f"ejabberd did not come up in {PATIENCE:g} s; its last lines:\n{said}")
    return listener.accept()[0]
