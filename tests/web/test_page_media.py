"""Pages that listen to calls by WHEP, and talk in them by WHIP."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from callboard.actors.messages.exchange import CallStatus
from callboard.bots import Call
from callboard.config import Settings
from callboard.config.web import WebSettings, WebTokens
from callboard.media.rtc.ice.confinement import primary_address
from callboard.tests.conftest import Run
from callboard.tests.live.stage import ALICE, BOB
from callboard.tests.live.test_rooms import until_heard
from callboard.tests.media.page import fresh_offer, page
from callboard.tests.web.http import Answer, ask, parsed
from callboard.tests.web.stage import TOKENS, bare_board, boarded
from callboard.web.page_network import ice_servers, page_network
from callboard.web.page_sessions import PageSessions

SDP = "application/sdp"
PERSON = 700


async def post(port: int, target: str, offer: str, role: str, kind: str = SDP) -> Answer:
    """Send an offer."""
    body, headers = offer.encode(errors="surrogatepass"), {"Content-Type": kind}
    return await ask(port, target, "POST", body=body, token=TOKENS[role], headers=headers)


async def leave(port: int, session: str) -> Answer:
    """End a session."""
    return await ask(port, session, "DELETE", token=TOKENS["listen"])


def target(call: Call, what: str, **query: str) -> str:
    """Where a page listens to Bob's end of a call, or talks in it."""
    words = "&".join(f"{name}={value}" for name, value in {"account": BOB, **query}.items())
    return f"/api/calls/{call.id}/{what}?{words}"


@pytest.mark.parametrize(("direction", "hertz"), [("received", 400), ("sent", 1000)])
def test_a_page_listens_by_whep(run: Run, tmp_path: Path, direction: str, hertz: int) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port), page() as one:
            back = {"audio": "tone:1000"}
            out, came = await stage.connected(ALICE, BOB, back, audio="tone:400")
            where = target(came, f"listen/{direction}")
            found = await post(port, where, await one.to_listen(), "listen")
            assert (found.status, found.headers["content-type"]) == (201, SDP)
            await one.take(found.body.decode())
            await one.hears(hertz)
            session = found.headers["location"]
            assert (await ask(port, session, "PATCH", token=TOKENS["talk"])).status == 405
            assert (await leave(port, session)).status == 204
            await one.gone()
            assert (await leave(port, session)).status == 410
            await out.hangup()
            (listener,) = (await came.ended()).listeners
            assert (listener.name, listener.role) == ("listen", "listen")
            late = await post(port, where, await fresh_offer("audio"), "listen")
            assert late.status == 404
            assert (await leave(port, session)).json["detail"].startswith("the session has ended")

    run(main)


def test_a_page_talks_by_whip_and_no_second_one_does(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port), page() as one, page() as two:
            back = {"audio": "tone:400"}
            out, came = await stage.connected(ALICE, BOB, back, audio="tone:1000")
            offer = await one.to_talk(PERSON)
            refused = await post(port, target(came, "talk"), offer, "control")
            assert refused.status == 403
            where = target(came, "talk", how="take-over")
            found = await post(port, where, offer, "talk")
            assert found.status == 201
            await one.take(found.body.decode())
            assert (await until_heard(out, PERSON))[400] < 300
            second = await post(port, target(came, "talk"), await two.to_talk(PERSON), "talk")
            assert (second.status, second.headers["content-type"]) == (
                409,
                "application/problem+json",
            )
            assert "somebody talks" in second.json["detail"]
            assert (await leave(port, found.headers["location"])).status == 204
            await until_heard(out, 400)
            await out.hangup()
            await came.ended()

    run(main)


WRONG: list[tuple[str, str, str, str, int]] = [
    ("/api/calls/x/listen/received", "", SDP, "view", 403),
    ("/api/calls/x/listen/received", "", "text/plain", "listen", 415),
    ("/api/calls/x/listen/both", "", SDP, "listen", 422),
    ("/api/calls/x/listen/received", "v=0", SDP, "listen", 404),
    ("/api/calls/x/talk?how=shout", "", SDP, "talk", 422),
]


@pytest.mark.parametrize(("where", "offer", "kind", "role", "status"), WRONG)
def test_what_is_wrong_is_told(
    run: Run, tmp_path: Path, where: str, offer: str, kind: str, role: str, status: int
) -> None:
    async def main() -> None:
        async with bare_board(tmp_path) as (_, port):
            found = await post(port, where, offer or "v=0", role, kind)
            assert found.status == status
            assert found.headers["content-type"] == "application/problem+json"
            assert (await leave(port, "/api/media/nobody")).status == 404

    run(main)


def test_offers_that_can_not_be_used_are_refused_with_a_sentence(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            out = await stage.puppets[ALICE].call(BOB, audio="tone")
            came = await stage.ringing(BOB)
            early = await post(
                port, target(came, "listen/sent"), await fresh_offer("audio"), "listen"
            )
            assert (early.status, "not connected" in early.json["detail"]) == (409, True)
            await came.answer(audio="tone")
            await out.connected()
            for offer, status in (
                ("v=0\r\n", 400),
                ("\ud800", 400),
                (await fresh_offer("video"), 422),
            ):
                found = await post(port, target(came, "listen/sent"), offer, "listen")
                assert (found.status, bool(found.json["detail"])) == (status, True)
            await out.hangup()
            await came.ended()

    run(main)


NETWORKS: list[tuple[dict[str, Any], dict[str, Any], tuple[str, ...] | None, bool]] = [
    ({}, {}, ("127.0.0.1",), True),
    ({}, {"addresses": ["192.0.2.1"]}, ("127.0.0.1",), True),
    ({"address": "192.0.2.1:8470", "plain": True}, {}, ("127.0.0.1",), False),
    ({"media": {"addresses": ["127.0.0.1"]}}, {}, ("127.0.0.1",), False),
    ({"media": {"addresses": ["192.0.2.2"]}}, {"addresses": ["192.0.2.1"]}, ("192.0.2.2",), False),
    ({"url": "https://b.example"}, {"addresses": ["192.0.2.1"]}, ("192.0.2.1",), False),
    ({"url": "https://b.example"}, {}, ("127.0.0.1",), False),
]


@pytest.mark.parametrize(("web", "media", "addresses", "within"), NETWORKS)
def test_pages_are_told_the_addresses_of_the_file_alone(
    web: dict[str, Any], media: dict[str, Any], addresses: tuple[str, ...] | None, within: bool
) -> None:
    declared = {"accounts": [{"jid": "a@localhost", "bot": "echo"}], "media": media}
    found = page_network(WebSettings.model_validate(web), Settings.model_validate(declared))
    assert (found.addresses, found.within) == (addresses, within)


TOLD: list[tuple[dict[str, Any], set[str]]] = [
    ({"media": {"addresses": ["127.0.0.2"]}}, {"127.0.0.2"}),
    ({}, {"127.0.0.1", primary_address() or "127.0.0.1"}),
]


@pytest.mark.parametrize(("media", "addresses"), TOLD, ids=["in the file", "by default"])
def test_a_page_is_told_of_no_other_address(
    run: Run, tmp_path: Path, media: dict[str, Any], addresses: set[str]
) -> None:
    web = {"tokens": TOKENS, **media}

    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB], web=web) as (stage, port), page() as one:
            out, came = await stage.connected(ALICE, BOB, audio="tone:400")
            where = target(came, "listen/received")
            found = await post(port, where, await one.to_listen("audio"), "listen")
            answer = found.body.decode()
            told = re.findall(r"(?m)^a=candidate:\S+ \d \S+ \d+ (\S+) \d+", answer)
            assert set(told) == addresses
            await one.take(answer)
            await one.hears(400)
            await out.hangup()
            await came.ended()

    run(main)


def test_a_relay_is_named_to_pages() -> None:
    relay = {"url": "turn:turn.example.org:3478", "user": 'a"b', "password": "s\\w\n"}
    settings = WebSettings.model_validate({"media": {"relay": relay}})
    assert ice_servers(settings.media.relay) == {
        "Link": '<turn:turn.example.org:3478>; rel="ice-server"; username="a\\"b"; '
        'credential="s\\\\w"; credential-type="password"'
    }
    assert ice_servers(None) == {}


#: What is asked with a body, and for what kind of it.
BODIES = [
    ("listen/received", SDP),
    ("listen/sent", SDP),
    ("talk?how=take-over", SDP),
    ("hangup", "application/json"),
]


@pytest.mark.parametrize(("what", "kind"), BODIES)
def test_whose_token_goes_while_their_body_comes_is_refused(
    run: Run, tmp_path: Path, what: str, kind: str
) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            out, came = await stage.connected(ALICE, BOB)
            assert stage.deployment is not None
            board = stage.deployment.board
            assert board is not None
            body = b"{}" if kind != SDP else (await fresh_offer("audio")).encode()
            given = {
                "Host": f"127.0.0.1:{port}",
                "Authorization": f"Bearer {TOKENS['talk']}",
                "Content-Type": kind,
                "Content-Length": len(body),
                "Connection": "close",
                "Expect": "100-continue",
            }
            path = f"/api/calls/{came.id}/{what}{'&' if '?' in what else '?'}account={BOB}"
            lines = [f"POST {path} HTTP/1.1", *(f"{key}: {value}" for key, value in given.items())]
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write("\r\n".join([*lines, "", ""]).encode())
            await reader.readuntil(b"100 Continue\r\n\r\n")
            await board.take_tokens(WebTokens.model_validate({"view": TOKENS["view"]}))
            writer.write(body)
            answer = parsed(await reader.read())
            writer.close()
            assert (answer.status, answer.json["type"]) == (401, "unauthorized")
            assert (await came.status()).phase == "connected"
            await out.hangup()
            assert (await came.ended()).listeners == ()

    run(main)


def test_whose_token_goes_while_their_offer_is_answered_hears_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = PageSessions.open

    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            out, came = await stage.connected(ALICE, BOB)
            assert stage.deployment is not None
            board = stage.deployment.board
            assert board is not None

            async def late(sessions: PageSessions, *given: Any) -> tuple[str, str]:
                await board.take_tokens(WebTokens.model_validate({"view": TOKENS["view"]}))
                return await opened(sessions, *given)

            monkeypatch.setattr(PageSessions, "open", late)
            found = await post(
                port, target(came, "listen/sent"), await fresh_offer("audio"), "talk"
            )
            assert found.status == 401
            stage.events.clear()
            await out.mute()
            await stage.until(CallStatus, lambda one: one.account == BOB and not one.guests)
            await out.hangup()
            assert len((await came.ended()).listeners) == 1

    run(main)


@pytest.mark.parametrize("video", [False, True], ids=["sound", "video"])
def test_a_page_calls_somebody_with_its_own_microphone_and_camera(
    run: Run, tmp_path: Path, video: bool
) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port), page() as one, page() as two:
            offer = await one.to_talk(PERSON, video=video)
            where = f"/api/accounts/{BOB}/talk?to={ALICE}"
            assert (await post(port, where, offer, "control")).status == 403
            found = await post(port, where, offer, "talk")
            assert found.status == 201
            call = found.headers["link"].partition(">")[0].removeprefix("<")
            came = await stage.ringing(ALICE)
            assert call == f"/api/calls/{came.id}"
            assert came.media == (("audio", "video") if video else ("audio",))
            await one.take(found.body.decode())
            await came.answer(audio="tone:400", video="pattern" if video else None)
            await until_heard(came, PERSON)
            if video:
                await stage.media(ALICE, "video", packets=20)
            where = f"{call}/listen/received?account={BOB}"
            heard = await post(port, where, await two.to_listen(), "listen")
            await two.take(heard.body.decode())
            await two.hears(400)
            assert (await leave(port, found.headers["location"])).status == 204
            assert (await came.ended()).state == "completed"
            await two.gone()

    run(main)


def test_a_call_that_a_page_can_not_place_rings_nowhere_for_long(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            for where, status in (
                (f"/api/accounts/{BOB}/talk?to={BOB}", 422),
                (f"/api/accounts/nobody@localhost/talk?to={ALICE}", 404),
                (f"/api/accounts/{BOB}/talk", 422),
                (f"/api/accounts/{BOB}/talk?to=", 422),
            ):
                found = await post(port, where, await fresh_offer("audio"), "talk")
                assert (found.status, bool(found.json["detail"])) == (status, True)
            found = await post(
                port, f"/api/accounts/{BOB}/talk?to={ALICE}", await fresh_offer("audio"), "talk"
            )
            assert (found.status, "a=sendonly" in found.json["detail"]) == (400, True)
            assert (await stage.record(BOB)).state == "cancelled"

    run(main)


def test_many_that_come_at_once_are_counted_together(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callboard.web.page_sessions.MOST", 3)

    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            out, came = await stage.connected(ALICE, BOB)
            offer = await fresh_offer("audio")
            where = target(came, "listen/sent")
            found = await asyncio.gather(*(post(port, where, offer, "listen") for _ in range(12)))
            assert sorted(each.status for each in found) == [201] * 3 + [429] * 9
            await out.hangup()
            await came.ended()

    run(main)


def test_a_role_opens_only_so_many_sessions_a_second(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callboard.web.page_sessions.RATE", 0.001)
    monkeypatch.setattr("callboard.web.page_sessions.BURST", 2)

    async def main() -> None:
        async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
            out, came = await stage.connected(ALICE, BOB)
            offer = await fresh_offer("audio")
            where = target(came, "listen/sent")
            for status in (201, 201, 429):
                found = await post(port, where, offer, "listen")
                assert found.status == status
                if status == 201:
                    assert (await leave(port, found.headers["location"])).status == 204
            assert int(found.headers["retry-after"]) > 0
            assert (await post(port, where, offer, "control")).status == 201
            await out.hangup()
            await came.ended()

    run(main)


def test_the_board_takes_only_so_many_pages_and_ends_them_with_itself(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("callboard.web.page_sessions.MOST", 1)

    async def main() -> None:
        async with page() as one:
            async with boarded(tmp_path, [ALICE, BOB]) as (stage, port):
                out, came = await stage.connected(ALICE, BOB)
                where = target(came, "listen/sent")
                found = await post(port, where, await one.to_listen("audio"), "listen")
                await one.take(found.body.decode())
                second = await post(port, where, await fresh_offer("audio"), "listen")
                assert (second.status, "1 pages" in second.json["detail"]) == (429, True)
                assert out.id == came.id
            await one.gone()

    run(main)
