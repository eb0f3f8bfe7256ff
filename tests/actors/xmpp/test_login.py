"""The way to a session, step by step, with servers of every kind."""

import asyncio
import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable
from xml.etree.ElementTree import Element, fromstring

import pytest
from callboard.actors.xmpp.fast import Fast
from callboard.actors.xmpp.login import BIND, SESSION, STREAMS, TLS, Login
from callboard.actors.xmpp.resumption import SM, Resumption
from callboard.actors.xmpp.sasl_profile import SASL
from callboard.actors.xmpp.stream_end import REFUSALS, Remedy
from callboard.config.jid import parse_jid
from callboard.tests.conftest import Run

STARTTLS = f"<starttls xmlns='{TLS}'/>"
BINDING = f"<bind xmlns='{BIND}'/>"
MANAGED = f"<sm xmlns='{SM}'/>"
SUCCESS = f"<success xmlns='{SASL}'/>"
BOUND = f"<iq type='result' id='bind'><bind xmlns='{BIND}'><jid>a@b/other</jid></bind></iq>"


class Server:
    """Notes what a login sends, and says what a server would."""

    def __init__(
        self,
        *,
        tls: str = "TLSv1.3",
        resumption: Resumption | None = None,
        fast: Fast | None = None,
        keeps_resource: bool = True,
        binding: bytes = b"",
    ) -> None:
        self.sent: list[str] = []
        self.said = asyncio.Event()
        self.steps: list[str] = []
        self.tls = tls
        self.session: tuple[str, bool] | None = None
        self.refused: tuple[str, Remedy] | None = None
        self.resumption = resumption or Resumption()
        self._binding = binding
        self.login = Login(
            self,
            parse_jid("a@b/c"),
            "secret",
            self.resumption,
            fast=fast or Fast(),
            keeps_resource=keeps_resource,
        )

    def tls_version(self) -> str:
        return self.tls

    def channel_binding(self) -> bytes:
        return self._binding

    def send_raw(self, data: str | bytes) -> None:
        self.sent.append(data if isinstance(data, str) else data.decode())
        self.said.set()

    def secure(self) -> None:
        self.tls = "TLSv1.3"

    def restart(self) -> None:
        self.sent.append("<stream>")

    def took(self, step: str) -> None:
        self.steps.append(step)

    def opened(self, jid: str, *, resumed: bool) -> None:
        self.session = (jid, resumed)

    def refuse(self, reason: str, remedy: Remedy) -> None:
        self.refused = (reason, remedy)

    def says(self, text: str) -> None:
        self.login.receive(fromstring(f"<s xmlns='jabber:client'>{text}</s>")[0])

    def offers(self, *features: str) -> None:
        self.says(f"<features xmlns='{STREAMS}'>{''.join(features)}</features>")

    def offers_mechanisms(self, *names: str) -> None:
        each = "".join(f"<mechanism>{name}</mechanism>" for name in names)
        self.offers(f"<mechanisms xmlns='{SASL}'>{each}</mechanisms>")

    def authenticated(self) -> "Server":
        self.offers_mechanisms("PLAIN")
        self.says(SUCCESS)
        assert self.sent.pop() == "<stream>"
        self.sent.clear()
        return self


def heard(text: str) -> Element:
    return fromstring(text)


def test_nothing_is_said_without_tls() -> None:
    server = Server(tls="")
    server.offers(f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>")
    assert server.sent == []
    assert server.refused is not None
    assert "no TLS" in server.refused[0]


def test_tls_comes_first() -> None:
    server = Server(tls="")
    server.offers(STARTTLS, f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>")
    assert server.sent == [STARTTLS]
    server.says(f"<proceed xmlns='{TLS}'/>")
    assert server.tls


@pytest.mark.parametrize("offered", [[], ["ANONYMOUS", "EXTERNAL", "X-OAUTH2"], ["NEW-1"]])
def test_no_mechanism_is_used_that_needs_no_password(offered: list[str]) -> None:
    server = Server()
    server.offers_mechanisms(*offered)
    assert server.sent == []
    assert server.refused is not None
    assert "no login mechanism" in server.refused[0]


def failure(condition: str) -> str:
    return f"<failure xmlns='{SASL}'><{condition}/></failure>"


@pytest.mark.parametrize("condition", [*REFUSALS, "made-up", "text"])
def test_no_refusal_makes_scram_give_the_password_away(condition: str) -> None:
    server = Server()
    server.offers_mechanisms("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS")
    tried = []
    while server.refused is None:
        tried.append(heard(server.sent.pop()).get("mechanism"))
        server.says(failure(condition))
    about_mechanism = condition in {"invalid-mechanism", "mechanism-too-weak"}
    once_more = about_mechanism or condition == "encryption-required"
    assert tried == ["SCRAM-SHA-256", "SCRAM-SHA-1"][: 2 if once_more else 1]
    assert server.sent == []
    remedy, words = REFUSALS.get(condition, (Remedy.LATER, "gives no reason"))
    assert server.refused[1] is remedy
    assert words in server.refused[0]


def test_plain_is_used_where_nothing_else_is_offered() -> None:
    server = Server()
    server.offers_mechanisms("PLAIN")
    assert heard(server.sent.pop()).get("mechanism") == "PLAIN"
    server.says(failure("not-authorized"))
    assert server.refused is not None
    assert "check the password" in server.refused[0]
    assert server.refused[1] is Remedy.GIVE_UP


@pytest.mark.parametrize("final", ["", b64encode(b"v=" + b64encode(b"wrong")).decode()])
@pytest.mark.parametrize("challenged", [False, True])
def test_a_server_that_can_not_prove_itself_is_refused(
    run: Run, final: str, challenged: bool
) -> None:
    async def main() -> None:
        server = Server()
        server.offers_mechanisms("SCRAM-SHA-1")
        if challenged:
            await challenge(server)
        server.says(f"<success xmlns='{SASL}'>{final}</success>")
        assert server.refused is not None
        assert "could not prove" in server.refused[0]
        assert "<stream>" not in server.sent

    run(main)


def test_scram_ends_with_the_servers_proof(run: Run) -> None:
    async def main() -> None:
        server = Server()
        server.offers_mechanisms("SCRAM-SHA-1")
        said = await challenge(server)
        salted = hashlib.pbkdf2_hmac("sha1", b"secret", b"salt", 5000)
        key = hmac.digest(salted, b"Server Key", "sha1")
        proof = b64encode(hmac.digest(key, said, "sha1"))
        server.says(f"<success xmlns='{SASL}'>{b64encode(b'v=' + proof).decode()}</success>")
        assert server.refused is None
        assert server.sent[-1] == "<stream>"
        assert server.steps == ["sasl"]

    run(main)


async def challenge(server: Server) -> bytes:
    """Ask for a proof; return the messages that it is about (RFC 5802 §3)."""
    first = b64decode(heard(server.sent[-1]).text or "").partition(b",,")[2]
    nonce = first.rpartition(b"r=")[2] + b"more"
    asked = b"r=%s,s=%s,i=5000" % (nonce, b64encode(b"salt"))
    server.said.clear()
    server.says(f"<challenge xmlns='{SASL}'>{b64encode(asked).decode()}</challenge>")
    await server.said.wait()
    answer = b64decode(heard(server.sent[-1]).text or "").rpartition(b",p=")[0]
    return b",".join((first, asked, answer))


@pytest.mark.parametrize(
    "text", ["", "r=1", "r=nonce,s=c2FsdA==,i=0", "r=nonce,s=c2FsdA==,i=99999999"]
)
def test_a_challenge_that_makes_no_sense_is_aborted(run: Run, text: str) -> None:
    async def main() -> None:
        server = Server()
        server.offers_mechanisms("SCRAM-SHA-1")
        server.says(f"<challenge xmlns='{SASL}'>{b64encode(text.encode()).decode()}</challenge>")
        assert server.sent[-1] == f"<abort xmlns='{SASL}'/>"

    run(main)


def test_a_login_that_has_ended_says_nothing_more(run: Run) -> None:
    async def main() -> None:
        server = Server()
        server.offers_mechanisms("SCRAM-SHA-1")
        asked = b64encode(b"r=nonce,s=c2FsdA==,i=1000").decode()
        server.says(f"<challenge xmlns='{SASL}'>{asked}</challenge>")
        server.login.end()
        await asyncio.get_running_loop().run_in_executor(None, int)
        await asyncio.sleep(0)
        assert len(server.sent) == 1

    run(main)


def test_the_resource_is_the_servers_to_give() -> None:
    server = Server().authenticated()
    server.offers(BINDING)
    assert heard(server.sent.pop()).findtext("*/*") == "c"
    server.says(BOUND)
    assert server.session == ("a@b/other", False)
    assert server.steps == ["sasl", "bind"]
    assert server.sent == []  # no stream management was offered


def test_stream_management_is_enabled_with_the_session() -> None:
    server = Server().authenticated()
    server.offers(BINDING, MANAGED)
    server.says(BOUND)
    assert heard(server.sent.pop()).tag == f"{{{SM}}}enable"
    assert server.resumption.counting


def test_an_old_server_is_asked_for_a_session() -> None:
    server = Server().authenticated()
    server.offers(BINDING, f"<session xmlns='{SESSION}'/>")
    server.says(BOUND)
    assert server.session is None
    assert heard(server.sent.pop())[0].tag == f"{{{SESSION}}}session"
    server.says("<iq type='result' id='session'/>")
    assert server.session == ("a@b/other", False)


def test_a_resource_that_is_not_given_is_asked_for_again_later() -> None:
    server = Server().authenticated()
    server.offers(BINDING)
    server.says(
        "<iq type='error' id='bind'><error type='cancel'>"
        "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    )
    assert server.refused is not None
    assert "conflict" in server.refused[0]
    assert server.refused[1] is Remedy.RENAME


AT_A_TIME_OF_ITS_OWN: dict[str, tuple[Callable[[], Server], list[str]]] = {
    "before TLS": (lambda: Server(tls=""), [STARTTLS]),
    "before SASL": (Server, ["<auth"]),
    "before a resource": (lambda: Server().authenticated(), ["<iq type='set' id='bind'"]),
}


@pytest.mark.parametrize("when", AT_A_TIME_OF_ITS_OWN)
@pytest.mark.parametrize(
    "said", [BOUND, "<iq type='result' id='session'/>", f"<resumed xmlns='{SM}' h='0'/>", SUCCESS,
             f"<proceed xmlns='{TLS}'/>", f"<challenge xmlns='{SASL}'>AA==</challenge>",
             f"<failed xmlns='{SM}'/>", failure("not-authorized")]
)  # fmt: skip
def test_what_comes_out_of_turn_does_nothing(when: str, said: str) -> None:
    make, goes_on = AT_A_TIME_OF_ITS_OWN[when]
    server = make()
    server.says(said)
    assert server.sent == []
    assert (server.session, server.refused) == (None, None)
    server.offers(STARTTLS, f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>")
    assert [one[: len(start)] for one, start in zip(server.sent, goes_on, strict=True)] == goes_on


@pytest.mark.parametrize("text", ["@", "a@b@c/d/" + "x" * 2000, "a@b/" + "x" * 2000])
def test_a_resource_that_is_none_ends_the_login(text: str) -> None:
    server = Server().authenticated()
    server.offers(BINDING)
    server.says(f"<iq type='result' id='bind'><bind xmlns='{BIND}'><jid>{text}</jid></bind></iq>")
    assert server.session is None
    assert server.refused is not None
    assert server.refused[1] is Remedy.LATER


def test_a_session_is_resumed_in_the_place_of_a_binding() -> None:
    session = Resumption()
    session.enable()
    session.enabled(Element("enabled", id="x", resume="true"))
    server = Server(resumption=session).authenticated()
    server.offers(BINDING, MANAGED)
    assert heard(server.sent.pop()).get("previd") == "x"
    server.says(f"<resumed xmlns='{SM}' h='0' previd='x'/>")
    assert server.session == ("a@b/c", True)


def test_a_session_that_is_gone_is_begun_anew() -> None:
    session = Resumption()
    session.enable()
    session.enabled(Element("enabled", id="x", resume="true"))
    server = Server(resumption=session).authenticated()
    server.offers(BINDING, MANAGED)
    server.says(f"<failed xmlns='{SM}'/>")
    server.says(BOUND)
    assert server.session == ("a@b/other", False)
    assert session.id == ""
