"""What comes with a login where the server has XEP-0388, and tokens for the next one."""

import hmac
import re
from base64 import b64decode, b64encode
from xml.etree.ElementTree import Element, fromstring

import pytest
from callboard.actors.xmpp.fast import FAST, MAX_TOKEN, Fast
from callboard.actors.xmpp.inline_offer import BIND2
from callboard.actors.xmpp.login import BIND, STREAMS
from callboard.actors.xmpp.resumption import SM, Resumption
from callboard.actors.xmpp.sasl_profile import SASL, SASL2
from callboard.actors.xmpp.stream_end import Remedy
from callboard.tests.actors.xmpp.test_login import Server

NONE, UNIQ = "HT-SHA-256-NONE", "HT-SHA-256-UNIQ"
MANAGED = f"<feature var='{SM}'/>"
ADDRESS = "<authorization-identifier>a@b/given</authorization-identifier>"
ENABLED = f"<enabled xmlns='{SM}' id='new' resume='true'/>"
FEATURES = f"<features xmlns='{STREAMS}'><bind xmlns='{BIND}'/><sm xmlns='{SM}'/></features>"


def bind(inner: str = MANAGED) -> str:
    return f"<bind xmlns='{BIND2}'><inline>{inner}</inline></bind>"


def tokens(*mechanisms: str) -> str:
    each = "".join(f"<mechanism>{one}</mechanism>" for one in mechanisms or (NONE, UNIQ))
    return f"<fast xmlns='{FAST}'>{each}</fast>"


SM_INLINE = f"<sm xmlns='{SM}'/>"


def offer(server: Server, *inline: str) -> Element:
    """Have a server offer PLAIN with things inline; return what the login sends."""
    server.offers(
        f"<authentication xmlns='{SASL2}'><mechanism>PLAIN</mechanism>"
        f"<inline>{''.join(inline)}</inline></authentication>"
        f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>"
    )
    return fromstring(server.sent.pop())


def success(server: Server, *inner: str) -> None:
    server.says(f"<success xmlns='{SASL2}'>{''.join(inner)}</success>")


def token(value: str = "t0ken", expiry: str = "2999-01-01T00:00:00Z") -> str:
    return f"<token xmlns='{FAST}' token='{value}' expiry='{expiry}'/>"


def broken_session() -> Resumption:
    resumption = Resumption()
    resumption.enable()
    resumption.enabled(fromstring(f"<enabled xmlns='{SM}' id='old' resume='true'/>"))
    resumption.sent(fromstring("<message xmlns='jabber:client'/>"))
    resumption.pause()
    return resumption


def with_token(mechanism: str = NONE, value: str = "t0ken", expiry: str = "") -> Fast:
    fast = Fast()
    fast.granted(mechanism, fromstring(f"<success>{token(value, expiry)}</success>"))
    return fast


def test_resource_and_session_come_with_the_login() -> None:
    server = Server(keeps_resource=False)
    asked = offer(server, bind())
    assert asked.tag == f"{{{SASL2}}}authenticate"
    assert b64decode(asked.findtext(f"{{{SASL2}}}initial-response", "")) == b"\0a\0secret"
    assert asked.findtext(f"{{{BIND2}}}bind/{{{BIND2}}}tag") == "callboard"
    assert asked.find(f"{{{BIND2}}}bind/{{{SM}}}enable") is not None
    success(server, ADDRESS, f"<bound xmlns='{BIND2}'>{ENABLED}</bound>")
    assert server.session == ("a@b/given", False)
    assert server.steps == ["sasl", "bind"]
    assert (server.resumption.id, server.resumption.counting) == ("new", True)
    server.says(FEATURES)  # they follow, and change nothing
    assert server.sent == []


def test_stream_management_is_enabled_later_where_it_can_not_be_inline() -> None:
    server = Server(keeps_resource=False)
    assert offer(server, bind("")).find(f"{{{BIND2}}}bind/{{{SM}}}enable") is None
    success(server, ADDRESS, f"<bound xmlns='{BIND2}'/>")
    assert server.session is None
    server.says(FEATURES)
    assert server.session == ("a@b/given", False)
    assert [re.match(r"<(\w+)", one)[1] for one in server.sent] == ["enable"]  # type: ignore[index]


def test_a_server_that_did_not_enable_it_is_asked_again() -> None:
    server = Server(keeps_resource=False)
    offer(server, bind())
    failed = f"<failed xmlns='{SM}'/>"
    success(server, ADDRESS, f"<bound xmlns='{BIND2}'>{failed}</bound>")
    server.says(f"<features xmlns='{STREAMS}'/>")
    assert server.session == ("a@b/given", False)
    assert (server.sent, server.resumption.counting) == ([], False)


@pytest.mark.parametrize("inline", [(), (bind(),)])
def test_a_declared_resource_is_bound_in_the_old_way(inline: tuple[str, ...]) -> None:
    server = Server(keeps_resource=True)
    assert offer(server, *inline).find(f"{{{BIND2}}}bind") is None
    success(server)
    server.says(FEATURES)
    assert "<resource>c</resource>" in server.sent.pop()


def test_a_session_is_resumed_with_the_login() -> None:
    server = Server(keeps_resource=False, resumption=broken_session())
    asked = offer(server, bind(), SM_INLINE)
    resume = asked.find(f"{{{SM}}}resume")
    assert resume is not None
    assert resume.get("previd") == "old"
    success(server, f"<resumed xmlns='{SM}' h='0' previd='old'/>")
    assert server.session == ("a@b/c", True)
    assert len(server.resumption.unacknowledged) == 1


def test_a_session_that_is_gone_makes_room_for_a_new_one() -> None:
    server = Server(keeps_resource=False, resumption=broken_session())
    offer(server, bind(), SM_INLINE)
    success(
        server,
        f"<failed xmlns='{SM}' h='0'/>",
        ADDRESS,
        f"<bound xmlns='{BIND2}'>{ENABLED}</bound>",
    )
    assert server.session == ("a@b/given", False)
    assert server.resumption.id == "new"
    assert len(server.resumption.take_left()) == 1  # and is said again


def test_nothing_is_bound_before_a_session_that_may_still_be_there_is_asked_for() -> None:
    server = Server(keeps_resource=False, resumption=broken_session())
    asked = offer(server, bind())
    assert (asked.find(f"{{{BIND2}}}bind"), asked.find(f"{{{SM}}}resume")) == (None, None)
    success(server)
    server.says(FEATURES)
    assert "previd='old'" in server.sent.pop()


def test_a_resource_that_is_not_to_be_had_is_said() -> None:
    server = Server(keeps_resource=False)
    offer(server, bind())
    error = (
        "<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "</error>"
    )
    success(server, f"<failed xmlns='{BIND2}'>{error}</failed>")
    assert server.refused is not None
    assert "too many programs" in server.refused[0]
    assert server.refused[1] is Remedy.LATER


def test_an_address_that_is_none_is_refused() -> None:
    server = Server(keeps_resource=False)
    offer(server, bind())
    nonsense = "<authorization-identifier>a@@b</authorization-identifier>"
    success(server, nonsense, f"<bound xmlns='{BIND2}'>{ENABLED}</bound>")
    assert server.session is None
    assert server.refused is not None
    assert "no address" in server.refused[0]


def test_more_than_a_password_can_not_be_given() -> None:
    server = Server()
    offer(server)
    server.says(f"<continue xmlns='{SASL2}'><tasks><task>TOTP</task></tasks></continue>")
    assert server.refused is not None
    assert server.refused[1] is Remedy.GIVE_UP


@pytest.mark.parametrize(
    ("binding", "offered", "asked"),
    [
        (b"", (), NONE),
        (b"cb", (), UNIQ),
        (b"", (UNIQ,), None),
        (b"cb", (NONE,), None),
        (b"", ("HT-SHA-512-NONE",), None),
    ],
)
def test_a_token_is_asked_for_that_can_be_used(
    binding: bytes, offered: tuple[str, ...], asked: str | None
) -> None:
    server = Server(binding=binding, tls="TLSv1.2")
    request = offer(server, tokens(*offered)).find(f"{{{FAST}}}request-token")
    assert (None if request is None else request.get("mechanism")) == asked


@pytest.mark.parametrize(("mechanism", "binding"), [(NONE, b""), (UNIQ, b"cb")])
def test_both_prove_to_know_the_token(mechanism: str, binding: bytes) -> None:
    fast = with_token(mechanism)
    server = Server(fast=fast, binding=binding, tls="TLSv1.2")
    asked = offer(server, tokens())
    assert asked.get("mechanism") == mechanism
    assert asked.find(f"{{{FAST}}}fast") is not None
    assert asked.find(f"{{{FAST}}}request-token") is None
    proof = b64decode(asked.findtext(f"{{{SASL2}}}initial-response", ""))
    assert proof == b"a\0" + hmac.digest(b"t0ken", b"Initiator" + binding, "sha256")
    answer = b64encode(hmac.digest(b"t0ken", b"Responder" + binding, "sha256")).decode()
    success(server, f"<additional-data>{answer}</additional-data>", token("next"))
    assert server.steps == ["sasl"]
    following = fast.mechanism((mechanism,), b"a", binding)
    assert following is not None
    assert following.process() == b"a\0" + hmac.digest(b"next", b"Initiator" + binding, "sha256")


@pytest.mark.parametrize("answer", ["", "AAAA", "=", "%"])
def test_a_server_that_does_not_know_the_token_is_an_impostor(answer: str) -> None:
    server = Server(fast=with_token())
    offer(server, tokens())
    success(server, f"<additional-data>{answer}</additional-data>")
    assert server.refused is not None
    assert "could not prove" in server.refused[0]


@pytest.mark.parametrize("condition", ["not-authorized", "credentials-expired", "made-up"])
def test_after_a_refused_token_comes_the_password(condition: str) -> None:
    fast = with_token()
    server = Server(fast=fast)
    offer(server, tokens())
    server.says(f"<failure xmlns='{SASL2}'><{condition} xmlns='{SASL}'/></failure>")
    assert server.refused is not None
    assert server.refused[1] is Remedy.AGAIN
    assert offer(Server(fast=fast), tokens()).get("mechanism") == "PLAIN"


def test_after_a_connection_that_broke_amid_a_login_by_token_comes_the_password() -> None:
    fast = with_token()
    offer(Server(fast=fast), tokens())
    assert offer(Server(fast=fast), tokens()).get("mechanism") == "PLAIN"


def test_a_token_that_is_not_replaced_is_used_again() -> None:
    fast = with_token()
    for _ in range(2):
        server = Server(fast=fast)
        assert offer(server, tokens()).get("mechanism") == NONE
        answer = b64encode(hmac.digest(b"t0ken", b"Responder", "sha256")).decode()
        success(server, f"<additional-data>{answer}</additional-data>")


@pytest.mark.parametrize(
    ("value", "expiry", "kept"),
    [
        ("t", "2999-01-01T00:00:00Z", True),
        ("t", "", True),
        ("t", "tomorrow", True),
        ("t", "2999-01-01T00:00:00", True),
        ("t" * MAX_TOKEN, "", True),
        ("t" * (MAX_TOKEN + 1), "", False),
        ("", "", False),
        ("t", "2020-01-01T00:00:00Z", False),
    ],
)
def test_only_a_token_that_is_valid_is_used(value: str, expiry: str, kept: bool) -> None:
    server = Server(fast=with_token(value=value, expiry=expiry))
    assert (offer(server, tokens()).get("mechanism") == NONE) is kept


def test_a_token_is_for_its_own_mechanism() -> None:
    assert offer(Server(fast=with_token(UNIQ)), tokens()).get("mechanism") == "PLAIN"
    assert offer(Server(fast=with_token(NONE)), tokens(UNIQ)).get("mechanism") == "PLAIN"


def test_a_client_stays_the_same_until_it_is_renamed() -> None:
    fast = with_token()
    client = fast.client
    assert fast.client == client
    fast.rename()
    assert fast.client != client
    assert fast.mechanism((NONE,), b"a", b"") is None


def test_where_nothing_goes_inline_nothing_is_made_for_it() -> None:
    fast = Fast()
    server = Server(fast=fast)
    server.offers_mechanisms("PLAIN")
    assert fast._client == ""
