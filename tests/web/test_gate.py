"""Each sentence of what is safe by default, attacked."""

import asyncio
import contextlib
import hmac
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from callboard.config.web import WebSettings, WebTokens
from callboard.tests.conftest import Run
from callboard.tests.web.http import Answer, ask, exchange, parsed
from callboard.tests.web.stage import TOKENS, bare_board
from callboard.web import board_server, gate, visitors
from callboard.web.board_place import listen, origins_of
from callboard.web.credentials import LIFETIME, Credentials
from callboard.web.rates import Rates
from callboard.web.visitor_role import VisitorRole
from pydantic import ValidationError

VIEW, TALK = TOKENS["view"], TOKENS["talk"]
STATUS = "/api/status"


def refused(answer: Answer, status: int) -> None:
    """See that a refusal is a problem of RFC 9457, with a sentence."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert problem["status"] == status
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["detail"]
    if status == 429:
        assert re.search(
            rf"wait {int(answer.headers['retry-after']):,} seconds?$", problem["detail"]
        )


def test_it_is_on_loopback_alone_unless_the_file_says_so() -> None:
    with listen(WebSettings()) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
    for open_ in ("0.0.0.0:8470", "[::]:8470", "192.0.2.1:8470"):
        with pytest.raises(ValidationError, match="nothing is encrypted"):
            WebSettings.model_validate({"address": open_})
    with pytest.raises(ValidationError, match="nothing is encrypted"):
        WebSettings.model_validate({"url": "http://board.example.org"})
    with pytest.raises(ValidationError, match="listens on all addresses"):
        WebSettings.model_validate({"address": "0.0.0.0:8470", "plain": True})
    WebSettings.model_validate({"address": "0.0.0.0:8470", "url": "https://board.example.org"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1"},
        {"Host": ""},
        {"Host": "localhost.:80"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "X-Method": "POST"},
    ],
    ids=str,
)
def test_who_comes_by_another_name_or_from_another_site_is_refused(
    run: Run, tmp_path: Path, headers: dict[str, str]
) -> None:
    given = dict(headers)
    method = given.pop("X-Method", "GET")

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            for target in (STATUS, "/", "/api/session"):
                answer = await ask(port, target, method, token=TALK, headers=given)
                refused(answer, 421 if "Host" in headers else 403)

    run(main)


@pytest.mark.parametrize(
    ("url", "address", "taken", "refused_"),
    [
        (
            "https://board.example.org",
            "127.0.0.1:8470",
            ["board.example.org", "board.example.org:443", "localhost:8470", "127.0.0.1:8470"],
            ["board.example.org:80", "board.example.org:8470", "localhost", "localhost:80"],
        ),
        (
            "https://board.example.org:443",
            "127.0.0.1:8470",
            ["board.example.org", "board.example.org:443"],
            ["board.example.org:80"],
        ),
        (
            "https://board.example.org:8443",
            "127.0.0.1:8470",
            ["board.example.org:8443"],
            ["board.example.org", "board.example.org:443"],
        ),
        ("http://localhost", "127.0.0.1:8470", ["localhost", "localhost:80"], ["localhost:443"]),
        ("http://[::1]:80", "[::1]:8470", ["[::1]", "[::1]:80", "[::1]:8470"], ["[::1]:443"]),
        (None, "127.0.0.1:80", ["127.0.0.1", "127.0.0.1:80", "localhost", "[::1]"], ["127.0.0.2"]),
        (None, "[::1]:443", ["[::1]:443", "localhost:443"], ["[::1]", "localhost"]),
    ],
)
def test_the_port_of_the_scheme_may_be_left_out_or_not(
    url: str | None, address: str, taken: list[str], refused_: list[str]
) -> None:
    settings = WebSettings.model_validate({"url": url, "address": address})
    assert settings.address is not None
    origins = origins_of(settings, settings.address)
    assert origins.hosts >= set(taken)
    assert not origins.hosts & set(refused_)
    assert {one.partition("://")[2] for one in origins.origins} == origins.hosts
    schemes = {one.partition("://")[2]: one.partition("://")[0] for one in origins.origins}
    if url is not None:
        assert {schemes[host] for host in taken if "8470" not in host} == {url.partition(":")[0]}


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("[::1]:PORT", "http://[::1]:PORT", 200),
        ("[::1]:PORT", "http://[::1]", 403),
        ("[::1]:PORT", "http://[::1%25lo]:PORT", 403),
        ("[::1]:PORT", "http://::1:PORT", 403),
        ("[0:0:0:0:0:0:0:1]:PORT", "http://[::1]:PORT", 421),
        ("[::1]", "http://[::1]:PORT", 421),
        ("::1:PORT", "http://[::1]:PORT", 421),
        ("[::ffff:127.0.0.1]:PORT", "http://[::1]:PORT", 421),
        ("[::1]:0PORT", "http://[::1]:PORT", 421),
    ],
)
def test_a_board_on_ipv6_takes_its_own_name_alone(
    run: Run, tmp_path: Path, host: str, origin: str, status: int
) -> None:
    async def main() -> int:
        async with bare_board(tmp_path, address="[::1]:0") as (_, port):
            reader, writer = await asyncio.open_connection("::1", port)
            lines = (
                f"GET {STATUS} HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\n"
                f"Authorization: Bearer {VIEW}\r\nConnection: close\r\n\r\n"
            )
            writer.write(lines.replace("PORT", str(port)).encode())
            answer = parsed(await reader.read())
            writer.close()
            return answer.status

    assert run(main) == status


def test_two_hosts_are_refused(run: Run, tmp_path: Path) -> None:
    async def main() -> bytes:
        async with bare_board(tmp_path) as (_, port):
            head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil\r\n\r\n"
            return await exchange(port, head.encode())

    assert run(main).startswith((b"HTTP/1.1 421", b"HTTP/1.1 400"))


async def logged_in(port: int, token: str = TALK) -> tuple[str, Answer]:
    """Log in; return the cookie, and the answer."""
    answer = await ask(port, "/api/session", "POST", body={"token": token})
    assert answer.status == 200, answer.body
    return answer.headers["set-cookie"].partition(";")[0], answer


def test_the_cookie_is_for_this_site_and_no_script(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            cookie, answer = await logged_in(port)
            said = answer.headers["set-cookie"].lower()
            assert "httponly" in said
            assert "samesite=strict" in said
            assert "path=/" in said
            assert TALK not in said
            assert (await ask(port, STATUS, headers={"Cookie": cookie})).status == 200
        https = {"url": "https://board.example.org"}
        async with bare_board(tmp_path, **https) as (_, port):
            _, answer = await logged_in(port)
            assert answer.headers["set-cookie"].startswith("__Host-callboard=")
            assert "secure" in answer.headers["set-cookie"].lower()
            assert "max-age" in answer.headers["strict-transport-security"]

    run(main)


def test_a_cookie_changes_nothing_for_another_site(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (board, port):
            cookie, _ = await logged_in(port)
            for other in ({}, {"Origin": "http://evil.example"}, {"Origin": "null"}):
                answer = await ask(port, "/api/stop", "POST", headers={"Cookie": cookie, **other})
                refused(answer, 403)
            own = {"Cookie": cookie, "Origin": board.url}
            assert (await ask(port, "/api/hangup", "POST", headers=own)).status == 422

    run(main)


def test_a_cookie_ends_with_logging_out_and_with_its_time(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (board, port):
            cookie, _ = await logged_in(port)
            own = {"Cookie": cookie, "Origin": board.url}
            gone = await ask(port, "/api/session", "DELETE", headers=own)
            assert gone.status == 204
            refused(await ask(port, STATUS, headers={"Cookie": cookie}), 401)

    run(main)
    now = [1_000.0]
    credentials = Credentials({VisitorRole.VIEW: VIEW}, lambda: now[0])
    cookie = credentials.cookie(VisitorRole.VIEW)
    assert credentials.by_cookie(cookie) is not None
    now[0] += LIFETIME + 1
    assert credentials.by_cookie(cookie) is None


def test_a_cookie_outlives_a_restart_only_with_its_token() -> None:
    cookie = Credentials({VisitorRole.VIEW: VIEW}).cookie(VisitorRole.VIEW)
    assert Credentials({VisitorRole.VIEW: VIEW}).by_cookie(cookie) is not None
    assert Credentials({VisitorRole.VIEW: TALK}).by_cookie(cookie) is None


def test_no_cookie_can_be_made_up() -> None:
    credentials = Credentials({VisitorRole.VIEW: VIEW, VisitorRole.TALK: TALK})
    good = credentials.cookie(VisitorRole.VIEW)
    role, expires, number, signature = good.split(".")
    for forged in (
        f"talk.{expires}.{number}.{signature}",
        f"{role}.9{expires}.{number}.{signature}",
        f"{role}.{expires}.{number}x.{signature}",
        f"{role}.{expires}.{number}.{'0' * len(signature)}",
        f"{role}.{expires}.{number}.",
        f"{role}.{expires}.{number}",
        "",
        "." * 10,
        "view",
        good * 10,
        "vïew.1.1.1",
    ):
        assert credentials.by_cookie(forged) is None, forged


def test_tokens_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is given, every digest is compared whole, and no text is."""
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def noted(one: Any, other: Any) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    credentials = Credentials({VisitorRole.VIEW: VIEW, VisitorRole.TALK: TALK})
    cookie = credentials.cookie(VisitorRole.VIEW)
    monkeypatch.setattr(hmac, "compare_digest", noted)
    for token in (VIEW, TALK, VIEW[:-1], f"{VIEW}x", "x", "", "x" * 100_000, "\udcff"):
        compared.clear()
        credentials.by_token(token)
        assert compared == [(32, 32)] * 2, token
    for value in (cookie, cookie[:-1] + "g", f"{cookie.rpartition('.')[0]}.x"):
        compared.clear()
        credentials.by_cookie(value)
        assert len(compared) == 1, value


@pytest.mark.parametrize(
    "token",
    ["", "wrong", VIEW[:-1], f"{VIEW} x", "x" * 10_000],
    ids=["none", "wrong", "cut short", "with more", "long"],
)
def test_a_wrong_token_opens_nothing_and_is_told_nowhere(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    caplog.set_level(logging.DEBUG)

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            answer = await ask(port, STATUS, headers={"Authorization": f"Bearer {token}"})
            refused(answer, 401)
            assert "bearer" in answer.headers["www-authenticate"].lower()
            posted = await ask(port, "/api/session", "POST", body={"token": token})
            assert posted.status in (401, 422)
            if token:
                assert token not in posted.body.decode() + answer.body.decode()

    run(main)
    assert not token or token not in caplog.text


@pytest.mark.parametrize(
    ("web", "words"),
    [({}, "a token of the operator's"), ({"tokens": None}, "the link that callboard has printed")],
    ids=["tokens of the file", "a link"],
)
def test_who_is_not_known_is_told_what_there_is_to_log_in_with(
    run: Run, tmp_path: Path, web: dict[str, Any], words: str
) -> None:
    async def main() -> None:
        async with bare_board(tmp_path, **web) as (board, port):
            for token in ("", "wrong"):
                refusal = await ask(port, STATUS, token=token)
                refused(refusal, 401)
                assert words in refusal.json["detail"]
            await board.take_tokens(WebTokens.model_validate(TOKENS))  # the file was read again
            refusal = await ask(port, STATUS)
            assert "a token of the operator's" in refusal.json["detail"]

    run(main)


def test_who_guesses_tokens_is_soon_not_even_looked_at(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitors, "RATE", 0.0001)

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            for _ in range(visitors.BURST):
                await ask(port, STATUS, token="a wrong one that is long enough")
            last = await ask(port, STATUS, token=VIEW)
            refused(last, 429)
            assert int(last.headers["retry-after"]) > 0

    run(main)


@pytest.mark.parametrize("role", [None, *TOKENS])
def test_each_role_may_do_what_is_its_own(run: Run, tmp_path: Path, role: str | None) -> None:
    ranks = [None, *TOKENS]

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            token = "" if role is None else TOKENS[role]
            openapi = await ask(port, "/api/openapi.json", token=VIEW)
            for path, methods in openapi.json["paths"].items():
                for method in methods:
                    needed = needs(path, method.upper())
                    target = path.replace("{number}", "0").replace("{direction}", "sent")
                    if path in ("/api/stop", "/api/events", "/api/logs"):
                        continue
                    answer = await ask(
                        port, target.replace("{", "").replace("}", ""), method.upper(), token=token
                    )
                    is_let_in = answer.status not in (401, 403)
                    wanted = ranks.index(role) >= ranks.index(needed)
                    assert is_let_in == wanted, (path, method, answer)

    run(main)


def needs(path: str, method: str) -> str | None:
    """Return the role that something needs."""
    if path == "/api/session":
        return None if method == "POST" else "view"
    if path.endswith("/talk"):
        return "talk"
    if path in ("/api/files", "/api/logs"):
        return "control"
    if (
        "/listen/" in path
        or path.endswith("/snapshot")
        or path.startswith(("/api/recordings", "/api/media"))
    ):
        return "listen"
    if path.endswith("/messages") and method == "GET":
        return "listen"
    return "view" if method == "GET" else "control"


def test_answers_let_a_browser_do_nothing_else(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            for target in ("/", "/page/main.js", STATUS, "/nothing"):
                headers = (await ask(port, target)).headers
                policy = headers["content-security-policy"]
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["referrer-policy"] == "no-referrer"
                assert "access-control-allow-origin" not in headers
                assert "server" not in headers
            assert (await ask(port, STATUS, token=VIEW)).headers["cache-control"] == "no-store"

    run(main)


def test_no_script_and_no_style_stands_in_the_page(run: Run, tmp_path: Path) -> None:
    async def main() -> bytes:
        async with bare_board(tmp_path) as (_, port):
            return (await ask(port, "/")).body

    page = run(main).decode()
    assert "<script>" not in page
    assert "<style" not in page
    assert " style=" not in page
    assert "//" not in page.replace("<!doctype html>", "")


@pytest.mark.parametrize(
    "name",
    ["../board.py", "..%2fboard.py", "%2e%2e/board.py", "/etc/passwd", "%00", "main.js%00", "."],
)
def test_no_path_of_a_client_reaches_the_file_system(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "0.ogg").write_bytes(b"secret")

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            for target in (f"/page/{name}", f"/api/recordings/{name}/0"):
                answer = await ask(port, target, token=TALK)
                assert answer.status in (404, 409), answer  # 409: the instance is still starting
                assert b"secret" not in answer.body
                assert b"import" not in answer.body

    run(main)


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        ({"Content-Length": "99999999999"}, b"", 413),
        ({"Content-Length": str(gate.LARGEST_BODY + 1)}, b"", 413),
        ({"Transfer-Encoding": "chunked"}, b"40001\r\n" + b" " * 0x40001 + b"\r\n0\r\n\r\n", 413),
        ({"Content-Type": "text/plain"}, b"{}", 415),
        ({"Content-Type": "application/json"}, b"[" * 100_000, 400),
        ({"Content-Type": "application/json"}, b"[]", 400),
        ({"Content-Type": "application/json"}, b'{"call": 1, "\xff": 2}', 400),
        ({"Content-Type": "application/json"}, b'{"account": NaN}', 400),
        ({"Content-Type": "application/json"}, b'{"nonsense": 1}', 422),
        ({"Content-Type": "application/json"}, b'{"account": "' + b"x" * 5000 + b'"}', 422),
        ({}, b"", 422),
    ],
    ids=[
        *("huge", "large", "large in chunks", "no JSON's type", "deep", "a list", "not UTF-8"),
        *("no number", "unknown field", "long name", "nothing"),
    ],
)
def test_bodies_are_bounded_and_checked(
    run: Run, tmp_path: Path, head: dict[str, str], body: bytes, status: int
) -> None:
    async def main() -> Answer:
        async with bare_board(tmp_path) as (_, port):
            if "Transfer-Encoding" in head:
                lines = (
                    f"POST /api/hangup HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                    f"Authorization: Bearer {TALK}\r\nTransfer-Encoding: chunked\r\n"
                    "Content-Type: application/json\r\nConnection: close\r\n\r\n"
                )
                return parsed(await exchange(port, lines.encode() + body))
            return await ask(port, "/api/hangup", "POST", body=body, token=TALK, headers=head)

    refused(run(main), status)


def test_heads_are_bounded(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            refused(await ask(port, f"/{'x' * 5000}"), 414)
            head = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: {'x' * 200_000}\r\n\r\n"
            with contextlib.suppress(ConnectionResetError):
                assert not (await exchange(port, head.encode())).startswith(b"HTTP/1.1 2")

    run(main)


@pytest.mark.parametrize("octets", [b"", b"GET / HT", b"POST /api/session HTTP/1.1\r\nHost: "])
def test_who_sends_too_slowly_is_dropped(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, octets: bytes
) -> None:
    monkeypatch.setattr(board_server, "HEAD", 0.2)

    async def main() -> bytes:
        async with bare_board(tmp_path) as (_, port):
            try:
                return await exchange(port, octets)
            except ConnectionResetError:
                return b""

    assert run(main) == b""


def test_a_body_that_does_not_come_is_not_waited_for(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PATIENCE", 0.2)

    async def main() -> Answer:
        async with bare_board(tmp_path) as (_, port):
            return await ask(
                port, "/api/hangup", "POST", token=TALK, headers={"Content-Length": "10"}
            )

    refused(run(main), 408)


class Collects(asyncio.Protocol):
    """Keeps what comes, also if the connection is reset after that."""

    def __init__(self) -> None:
        self.octets = bytearray()
        self.lost = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.octets += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


async def drips(port: int, head: str) -> bytes:
    """Send a head, and an octet of a body again and again until it is over; return the answer."""
    loop = asyncio.get_running_loop()
    transport, found = await loop.create_connection(Collects, "127.0.0.1", port)
    transport.write(head.encode())
    while not found.lost.is_set():
        transport.write(b" ")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                await found.lost.wait()
    return bytes(found.octets)


def test_a_body_that_comes_in_drops_is_not_waited_for_either(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "PATIENCE", 0.2)

    async def main() -> Answer:
        async with bare_board(tmp_path) as (_, port):
            return parsed(
                await drips(
                    port,
                    f"POST /api/hangup HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                    f"Authorization: Bearer {TALK}\r\nConnection: close\r\n"
                    "Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
                )
            )

    refused(run(main), 408)


@pytest.mark.parametrize("host", ["evil.example", ""])
def test_who_was_refused_does_not_keep_the_connection_with_a_body_in_drops(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(board_server, "BODY", 0.2)

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            head = (
                f"POST /api/hangup HTTP/1.1\r\nHost: {host or f'127.0.0.1:{port}'}\r\n"
                "Content-Length: 100000\r\n\r\n"
            )
            answer = await drips(port, head)
            assert answer.startswith(b"HTTP/1.1 421" if host else b"HTTP/1.1 401")

    run(main)


#: Requests whose end two servers could see at different places (RFC 9112 §11.2).
SMUGGLED = {
    "both lengths": "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "a list of lengths": "Content-Length: 4, 5\r\n\r\nabcd",
    "a signed length": "Content-Length: +4\r\n\r\nabcd",
    "another coding": "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coded twice": "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": "Content-Length : 4\r\n\r\nabcd",
    "a bare CR": "X: y\rContent-Length: 4\r\n\r\nabcd",
}


@pytest.mark.parametrize("name", SMUGGLED)
def test_no_request_hides_another(run: Run, tmp_path: Path, name: str) -> None:
    async def main() -> bytes:
        async with bare_board(tmp_path) as (_, port):
            hidden = f"GET /page/main.js HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
            head = f"POST /api/hangup HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            return await exchange(port, f"{head}{SMUGGLED[name]}{hidden}".encode())

    answered = run(main)
    assert answered.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501"))
    assert answered.count(b"HTTP/1.1 ") == 1


def test_who_does_not_read_is_dropped(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_server, "STALL", 0.2)

    async def main() -> None:
        async with bare_board(tmp_path) as (board, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            head = f"GET /page/uplot.js HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
            writer.write(head.encode() * 200)
            connections = board._server.server_state.connections
            while not connections:  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0)
            while connections:  # noqa: ASYNC110 - nor of this
                await asyncio.sleep(0.01)
            writer.transport.abort()
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await reader.readexactly(1 << 30)

    run(main)


def test_a_client_asks_so_often_and_no_more() -> None:
    now = [0.0]
    rates = Rates(2.0, 3, lambda: now[0])
    for _ in range(3):
        assert rates.wait("a") == 0
        rates.count("a")
    assert rates.wait("a") == pytest.approx(0.5)
    assert rates.wait("b") == 0
    now[0] += 0.5
    assert rates.wait("a") == 0


def test_a_flood_is_refused_and_others_are_not(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "BURST", 2)
    monkeypatch.setattr(gate, "RATE", 0.001)

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            for _ in range(2):
                assert (await ask(port, STATUS, token=VIEW)).status == 200
            answer = await ask(port, STATUS, token=VIEW)
            refused(answer, 429)
            assert "retry-after" in answer.headers

    run(main)


def test_visitors_behind_a_proxy_do_not_share_a_limit(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "BURST", 3)
    monkeypatch.setattr(gate, "RATE", 0.001)
    monkeypatch.setattr(gate, "ROLE_BURST", 7)
    monkeypatch.setattr(gate, "ROLE_RATE", 0.001)

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            one, other, third = [(await logged_in(port))[0] for _ in range(3)]
            refused(await ask(port, "/"), 429)  # nobody is known, and the address has had its share
            refused(await ask(port, STATUS, headers={"Cookie": "callboard=forged"}), 429)
            for cookie, is_let in (
                *((one, True),) * 3,
                *((one, False),) * 2,
                *((other, True),) * 3,
                (third, True),
                (third, False),  # all who have its token have had theirs
            ):
                answer = await ask(port, STATUS, headers={"Cookie": cookie})
                assert answer.status == (200 if is_let else 429), answer
            assert (await ask(port, STATUS, token=VIEW)).status == 200

    run(main)


def test_guessing_tokens_is_no_faster_past_the_limit_of_an_address(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is refused for asking too often is not told by another refusal that a token is right."""
    monkeypatch.setattr(visitors, "RATE", 0.0001)
    monkeypatch.setattr(gate, "BURST", 3)
    monkeypatch.setattr(gate, "RATE", 0.0001)

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            for at in range(visitors.BURST):
                answer = await ask(port, STATUS, token="a wrong one that is long enough")
                refused(answer, 401 if at < 3 else 429)
            for token in (VIEW, "another wrong one that is long"):
                refused(await ask(port, STATUS, token=token), 429)

    run(main)


def test_head_is_answered_as_get_is_without_the_body(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            openapi = await ask(port, "/api/openapi.json", token=TALK)
            paths = openapi.json["paths"]
            targets = ["/", "/page/main.js", "/page/nothing", "/nothing", "/api/openapi.json"]
            targets += [path for path, methods in paths.items() if "get" in methods]
            assert len(targets) > 15
            for path in targets:
                target = path.replace("{number}", "0").replace("{", "").replace("}", "")
                for token in ("", TALK):
                    head = await ask(port, target, "HEAD", token=token)
                    assert head.body == b"", target
                    if token and target in ("/api/events", "/api/logs"):  # GET goes on for ever
                        assert head.status == 200
                        continue
                    get = await ask(port, target, token=token)
                    assert head.status == get.status, target
                    assert head.headers.keys() == get.headers.keys(), target
                    if target != "/api/status":  # it has the time in it
                        assert head.headers == get.headers, target
            posted = await ask(port, "/api/hangup", "HEAD", token=TALK)
            assert posted.status == 405
            assert posted.headers["allow"] == "POST"
            deleted = await ask(port, "/api/status", "DELETE", token=TALK, headers={})
            assert deleted.status == 405
            assert deleted.headers["allow"] == "GET, HEAD"

    run(main)


def test_a_bug_is_told_without_what_it_is(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (board, port):

            def status(limit: int) -> Any:
                raise RuntimeError(f"a secret {limit}")

            monkeypatch.setattr(board._instance, "status", status)
            answer = await ask(port, STATUS, token=VIEW)
            refused(answer, 500)
            assert b"secret" not in answer.body
            monkeypatch.undo()
            assert (await ask(port, STATUS, token=VIEW)).status == 200

    run(main)
    assert "a secret" in caplog.text


def test_a_server_that_fails_is_started_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[int] = []
    original = board_server.BoardServer.main_loop

    async def main_loop(self: Any) -> None:
        if not broken:
            broken.append(1)
            raise RuntimeError("it breaks")
        await original(self)

    monkeypatch.setattr(board_server.BoardServer, "main_loop", main_loop)

    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            while True:
                try:
                    answer = await ask(port, STATUS, token=VIEW)
                except (OSError, IndexError, ValueError):
                    await asyncio.sleep(0.01)
                    continue
                assert answer.status == 200
                return

    run(main)
    assert broken


def test_what_is_written_stays_text() -> None:
    """No part of the page makes HTML of what it is told."""
    page = Path(gate.__file__).with_name("page")
    for file in page.glob("*.js"):
        text = file.read_text("utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert word not in text, file
