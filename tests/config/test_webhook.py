"""Whom a file lets be told what happens."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from callboard.config import ConfigError, load, settings_schema
from callboard.config.webhook import HOOKS, ReceiverUrl, WebhookSettings, parse_url
from callboard.load import load_plan
from callboard.tests.config.test_schema import takes
from ruamel.yaml import YAML

SECRET = "0123456789abcdef"
ACCOUNTS = "accounts: [{jid: desk@localhost, bot: echo}]\n"


def loaded(
    folder: Path, webhook: str, environ: Mapping[str, str] | None = None
) -> tuple[WebhookSettings, ...]:
    path = folder / "a.yaml"
    path.write_text(f"webhooks:\n  - {webhook}\n{ACCOUNTS}")
    return load(path, environ=environ or {}).webhooks


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.org/a?b=c", ("https", "hooks.example.org", 443, "/a?b=c")),
        ("https://hooks.example.org", ("https", "hooks.example.org", 443, "/")),
        ("https://hooks.example.org?b", ("https", "hooks.example.org", 443, "/?b")),
        ("HTTPS://Hooks.Example.org:8443/A%20b", ("https", "hooks.example.org", 8443, "/A%20b")),
        ("https://bücher.example/x", ("https", "xn--bcher-kva.example", 443, "/x")),
        ("https://192.0.2.7/", ("https", "192.0.2.7", 443, "/")),
        ("https://[2001:db8::7]:1/", ("https", "2001:db8::7", 1, "/")),
        ("http://127.0.0.1:8000/hook", ("http", "127.0.0.1", 8000, "/hook")),
        ("http://[::1]/", ("http", "::1", 80, "/")),
        ("http://localhost/", ("http", "localhost", 80, "/")),
    ],
)
def test_a_url_is_read(tmp_path: Path, url: str, target: tuple[str, str, int, str]) -> None:
    [webhook] = loaded(tmp_path, f"{{url: '{url}', secret: {SECRET}}}")
    assert webhook.target == ReceiverUrl(*target)
    assert webhook.events == HOOKS


def test_a_host_header_has_only_ports_that_are_unusual() -> None:
    urls = ["https://a.example/", "https://a.example:8443/", "http://[::1]/", "http://[::1]:443/"]
    assert [parse_url(url).authority for url in urls] == [
        "a.example", "a.example:8443", "[::1]", "[::1]:443"
    ]  # fmt: skip


def test_secrets_come_from_outside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    text = "{url: '${HOOK_URL}', secret: file:secret, events: call-ended}"
    [webhook] = loaded(tmp_path, text, {"HOOK_URL": "https://a.example/token"})
    assert webhook.url == "https://a.example/token"
    assert webhook.secret.get_secret_value() == SECRET
    assert webhook.events == ("call-ended",)
    assert "token" not in repr(webhook)
    assert SECRET not in repr(webhook)
    schema = settings_schema()
    document = YAML(typ="safe").load(f"webhooks: [{text}]\n{ACCOUNTS}")
    assert takes(schema, document, schema)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "the secret is empty"),
        ("hooks.example.org", "this is not a URL"),
        ("/hook", "this is not a URL"),
        ("ftp://hooks.example.org/", "this is not a URL with https://"),
        ("file:hook", "does not exist"),
        ("javascript:alert(1)", "this is not a URL"),
        ("https:///token", "this is not a URL"),
        ("https://user:token@hooks.example.org/", "has a user name or password"),
        ("https://token@hooks.example.org/", "has a user name or password"),
        ("https://hooks.example.org/#token", "has a # in it"),
        ("https://hooks.example.org/#", "has a # in it"),
        ("https://hooks.example.org:0/token", "port 0"),
        ("https://hooks.example.org:65536/token", "this is not a URL"),
        ("https://hooks.example.org:http/token", "this is not a URL"),
        ("https://hooks.example.org/to ken", "written as %XX"),
        ("https://hooks.example.org/tökenn", "written as %XX"),
        ("https://hooks.example.org/\\r\\nX:token", "written as %XX"),
        ("https://hooks_.exa mple.org/", "written as %XX"),
        ("https://-.example.org/", "is not a domain name"),
        ("https://[::1/token", "this is not a URL"),
        ("https://" + 250 * "a" + ".example/", "is not a domain name"),
        ("https://hooks.example.org/" + 2048 * "a", "over 2048 characters"),
        ("http://hooks.example.org/token", "use https://, or say 'plain: true'"),
        ("http://192.0.2.7/token", "use https://, or say 'plain: true'"),
        ("http://127.0.0.1.example.org/token", "use https://, or say 'plain: true'"),
    ],
)
def test_what_is_no_url_of_a_receiver_is_said_and_not_shown(
    tmp_path: Path, url: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f'{{url: "{url}", secret: {SECRET}}}')
    [problem] = caught.value.problems
    assert problem.line == 2
    assert problem.column in {5, 11}
    assert words in problem.message
    assert "token" not in str(caught.value)


def test_http_may_leave_the_machine_when_said_so(tmp_path: Path) -> None:
    [webhook] = loaded(
        tmp_path, f"{{url: 'http://hooks.example.org/', secret: {SECRET}, plain: true}}"
    )
    assert webhook.target.scheme == "http"


URL = "url: https://a.example/"


@pytest.mark.parametrize(
    ("webhook", "words"),
    [
        (f"{{{URL}}}", "'secret' is missing"),
        (f"{{secret: {SECRET}}}", "'url' is missing"),
        (f"{{{URL}, secret: short-tiger}}", "shorter than 16 characters"),
        (f"{{{URL}, secret: [tiger, tiger]}}", "give text"),
        (f"{{{URL}, secret: '${{TIGER}}'}}", "the environment variable TIGER is not set"),
        (f"{{{URL}, secret: {SECRET}, events: [call-end]}}", "did you mean 'call-ended'?"),
        (f"{{{URL}, secret: {SECRET}, events: []}}", "at least 1"),
        (f"{{{URL}, secret: {SECRET}, ca: nothing.pem}}", "there is no file"),
        (f"{{{URL}, secret: {SECRET}, ca: a.yaml}}", "contains no certificate"),
        (f"{{{URL}, secret: {SECRET}, plain: 1}}", "give true or false"),
        (f"{{{URL}, secret: {SECRET}, secrets: x}}", "did you mean 'secret'?"),
        ("https://a.example/", "mapping"),
    ],
)
def test_other_mistakes_are_said(tmp_path: Path, webhook: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, webhook)
    assert words in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "tiger" not in str(caught.value)


def test_load_tests_have_none(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(
        f"webhooks: [{{{URL}, secret: {SECRET}}}]\n"
        "accounts: [{jid: a@localhost}]\nphases: [{login: {}}]\n"
    )
    with pytest.raises(ConfigError, match="load tests tell no webhooks"):
        load_plan(path)
