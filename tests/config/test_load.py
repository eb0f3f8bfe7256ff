"""Files in, settings out, or every fault with its line and column."""

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from callboard.config import (
    ConfigError,
    Embedded,
    Server,
    Settings,
    load,
)
from callboard.config.document import MAX_BYTES
from callboard.server.certificate import make_certificates
from pydantic import ValidationError

Write = Callable[..., Path]

QUOTE = "inside { } or [ ], put ${VARIABLE} in quotes"
MINIMAL = "accounts:\n  - {jid: desk@localhost, bot: recorder}\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str | bytes, name: str = "accounts.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def faults(path: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    """The problems of a file, each as "line:column: message"."""
    with pytest.raises(ConfigError) as caught:
        load(path, environ=environ or {})
    error = caught.value
    assert str(error) == "\n".join(map(str, error.problems))
    assert all(problem.file == path for problem in error.problems)
    assert error.__cause__ is None
    return [f"{problem.line}:{problem.column}: {problem.message}" for problem in error.problems]


def account(extra: str) -> str:
    return f"accounts:\n  - jid: desk@localhost\n    bot: echo\n    {extra}\n"


def test_the_example_of_the_design(write: Write, tmp_path: Path) -> None:
    write("tiger\n", "secrets/callers")
    path = write(
        """\
server: embedded                     # or {host: xmpp.example.org, port: 5222}
recordings: recordings/
accounts:
  - jid: desk@localhost
    password: ${DESK_PASSWORD}
    bot: recorder
    status: Recording line
    calls: {answer: auto, after: 2s, from: ["*@localhost"], limit: 4}
  - jid: caller-{001..020}@localhost
    password: file:secrets/callers
    bot: mybots.callers:RingRound     # a class of the user's, found beside the YAML file
    options: {to: desk@localhost, every: 30s}
"""
    )
    settings = load(path, environ={"DESK_PASSWORD": "sesam"})
    assert isinstance(settings.server, Embedded)
    assert (settings.server.domain, settings.server.port) == ("localhost", None)
    assert settings.recordings == tmp_path / "recordings"
    assert settings.call_log == tmp_path / "recordings" / "calls.jsonl"
    assert settings.media.addresses == ("127.0.0.1",)
    desk, *callers = settings.accounts
    assert desk.password.get_secret_value() == "sesam"
    assert (desk.bare_jid, desk.user, desk.domain) == ("desk@localhost", "desk", "localhost")
    assert desk.status == "Recording line"
    assert desk.calls.answer == "auto"
    assert desk.calls.after == 2.0
    assert desk.calls.limit == 4
    assert desk.calls.allows("anybody@localhost/phone")
    assert not desk.calls.allows("anybody@example.org")
    assert desk.subscriptions.accepts("anybody@localhost")
    assert not desk.subscriptions.accepts("anybody@example.org")
    assert [caller.jid for caller in callers] == [
        f"caller-{number:03}@localhost" for number in range(1, 21)
    ]
    assert {caller.password.get_secret_value() for caller in callers} == {"tiger"}
    assert callers[0].options == {"to": "desk@localhost", "every": "30s"}
    assert callers[0].options is not callers[1].options


def test_everything_there_is(write: Write, tmp_path: Path) -> None:
    write(make_certificates("localhost").authority, "ca.pem")
    path = write(
        """\
server: {host: XMPP.example.org, port: 5223, tls: direct, ca: ca.pem}
recordings: /var/spool/calls
call_log: log/calls.jsonl
media: {addresses: [192.0.2.7, "2001:DB8::7"], ports: 40000-40100, path: frames, stun: s.example,
  largest_picture: 1920x1080}
drain: 1m30s
log_level: debug
accounts:
  - jid: Desk@Example.org
    resource: board
    password: "pa$${x}${A}-${B}"
    bot: my_bots.desk:FrontDesk
    options: {a: [1, 2.5, true, null, {b: c}], date: 2026-01-02}
    show: dnd
    status: "two\\nlines"
    priority: -1
    calls: {answer: never, after: 0, from: example.org@example.org, limit: 1, audio: true,
            video: false, max_duration: 1h, ring_timeout: 500ms}
    subscriptions: {accept: [], request: Alice@example.org}
"""
    )
    settings = load(path, environ={"A": "${B}", "B": "file:x"})
    assert settings.server == Server(
        host="xmpp.example.org", port=5223, tls="direct", ca=tmp_path / "ca.pem"
    )
    assert settings.recordings == Path("/var/spool/calls")
    assert settings.call_log == tmp_path / "log" / "calls.jsonl"
    assert settings.media.addresses == ("192.0.2.7", "2001:db8::7")
    assert settings.media.ports == (40000, 40100)
    assert settings.media.path == "frames"
    assert settings.media.most_pixels == 1920 * 1080
    assert settings.media.stun == ("stun:s.example:3478",)
    assert settings.drain == 90.0
    assert settings.log_level == "debug"
    (desk,) = settings.accounts
    assert desk.jid == "desk@example.org/board"
    assert desk.resource == "board"
    assert desk.password.get_secret_value() == "pa${x}${B}-file:x"
    assert desk.options == {"a": [1, 2.5, True, None, {"b": "c"}], "date": "2026-01-02"}
    assert desk.calls.from_ == ("example.org@example.org",)
    assert desk.calls.max_duration == 3600.0
    assert desk.calls.ring_timeout == 0.5
    assert not desk.subscriptions.accepts("alice@example.org")
    assert desk.subscriptions.request == ("alice@example.org",)


def test_defaults(write: Write, tmp_path: Path) -> None:
    settings = load(write(MINIMAL), environ={})
    assert isinstance(settings.server, Embedded)
    assert settings.recordings == tmp_path / "recordings"
    assert settings.media.ports is None
    assert settings.media.stun == ()
    (desk,) = settings.accounts
    assert desk.resource is None
    assert len(desk.password.get_secret_value()) > 20
    assert desk.calls.allows("anybody@example.org/x")


def test_settings_do_not_change(write: Write) -> None:
    settings = load(write(MINIMAL), environ={})
    with pytest.raises(ValidationError):
        settings.drain = 1.0  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.accounts[0].jid = "x@y"  # type: ignore[misc]


def test_a_server_by_name_and_by_dns(write: Write) -> None:
    rest = "\naccounts: [{jid: a@example.org, password: x, bot: echo}]\n"
    assert load(write("server: xmpp.example.org" + rest)).server == Server(host="xmpp.example.org")
    by_dns = load(write("server: {}" + rest))
    assert by_dns.server == Server()
    assert by_dns.media.addresses is None


def test_a_mapping_may_be_shared(write: Write) -> None:
    path = write(
        """\
accounts:
  - &first {jid: a@localhost, bot: echo, calls: &line {limit: 7, video: false}}
  - <<: *first
    jid: b@localhost
  - {jid: c@localhost, bot: echo, calls: {<<: *line, limit: 8}}
  - {jid: d@localhost, bot: echo, calls: *line}
"""
    )
    accounts = load(path).accounts
    assert [a.jid[0] for a in accounts] == ["a", "b", "c", "d"]
    assert [a.calls.limit for a in accounts] == [7, 7, 8, 7]
    assert not any(a.calls.video for a in accounts)


def test_all_faults_at_once_each_in_its_place(write: Write) -> None:
    path = write(
        """\
server: {host: x_y!, prot: 5, tls: starttl, port: 99999}
drain: soon
answer: auto
media: {addresses: [127.0.0.1.1], ports: 5-4, stun: [a:b:c], path: packet}
accounts:
  - jid: desk
    password: ${NOPE}
    statsu: x
    jd: x
    calls: {answer: sometimes, after: 2 s, from: "example.org", limit: "4", video: yes}
  - jid: desk-{1..3}@localhost/foo
    password: 12345
    bot: Recorder
    jid: x
  - jid: d@localhost
    bot: mod:Cls
    password: file:nope
    status: 5
    show:
    subscriptions: [a]
    options: [x]
    priority: 200
  - foo
"""
    )
    assert faults(path) == [
        "1:16: host: 'x_y!' is not an address: 'x_y!' is not a domain name",
        "1:22: there is no key 'prot' here: did you mean 'port'?",
        "1:36: tls is 'starttl': give 'starttls' or 'direct' (did you mean 'starttls'?)",
        "1:51: port is the number 99999: give at most 65,535",
        "2:8: drain: give a duration like 2s, 500ms, 1m30s or 1h",
        "3:1: there is no key 'answer' here: it belongs under 'calls'",
        "4:21: item 1 of addresses: '127.0.0.1.1' is not an IP address: give one of this machine",
        "4:42: ports: give a range of UDP ports from 1 to 65535, like 40000-40100",
        "4:54: item 1 of stun: 'a:b:c' is not a STUN server: write it like stun.example.org:3478",
        "4:68: path is 'packet': give 'packets', 'frames' or 'none' (did you mean 'packets'?)",
        "6:5: 'bot' is missing: add it like 'bot: recorder'",
        "6:10: jid: 'desk' has no user before an @: write it like desk@example.org",
        "7:15: password: the environment variable NOPE is not set: export it first",
        "8:5: there is no key 'statsu' here: did you mean 'status'?",
        "9:5: there is no key 'jd' here: did you mean 'jid'?",
        "10:21: answer is 'sometimes': give 'auto', 'bot' or 'never'",
        "10:39: after: give a duration like 2s, 500ms, 1m30s or 1h",
        "10:50: from: 'example.org' matches no address: write it like *@example.org",
        "10:72: limit is '4': give a whole number",
        "10:84: video is 'yes': give true or false",
        "12:15: password is not text: give text, in quotes",
        "13:10: bot is 'Recorder': give the name of a built-in bot, or module:Class",
        "14:5: 'jid' is here again, after line 11: keep one",
        f"17:15: password: the secret file {path.parent / 'nope'} does not exist: create it",
        "18:13: status is the number 5: give text, in quotes",
        "19:5: show is left empty: give 'chat', 'away', 'dnd' or 'xa'",
        "20:20: subscriptions is a list of 1: give a mapping",
        "21:14: options is a list of 1: give a mapping",
        "22:15: priority is the number 200: give at most 127",
        "23:5: item 4 of accounts is 'foo': give a mapping",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: the file is empty"),
        ("# only a comment\n", "1:1: the file is empty"),
        (b"\xef\xbb\xbf", "1:1: the file is empty"),
        (b"a: 1\nb: \xc3\xa9\xff\n", "2:5: byte 0xff is not UTF-8"),
        ("a: 1".encode("utf-16"), "1:1: byte 0xff is not UTF-8"),
        ("accounts:\n\t- a\n", "2:1: there is a tab here: indent with spaces"),
        ("a: b: c\n", "1:5: a second ': ' on this line"),
        ("a: 'x\nb: y\n", "1:4: a quote is never closed"),
        ("a: [1, 2\nb: 3\n", "2:2: a list that begins with [ is never closed"),
        ("a: {b: 2\nc: 3\n", "2:2: a mapping that begins with { is never closed"),
        ("a: @b\n", "1:4: a value can't begin with @"),
        ("- a\nb: c\n", "2:1: this line does not fit"),
        ("a: *x\n", "1:4: the alias *x has no anchor"),
        ("a: \x07\n", "1:4: the control character U+0007"),
        ("--- a\n--- b\n", "2:1: a second YAML document"),
        ("%YAML 3.0\n---\na: 1\n", "1:1: this is another version of YAML"),
        ("&a [*a]\n", "1:1: an anchor contains its own alias"),
        ("[" * 40 + "]" * 40, "1:34: more than 32 mappings and lists"),
        ("[" * 5_000, "1:1: more than 32 mappings and lists"),
        ("x" * (MAX_BYTES + 1), "1:1: the file has over 1,048,576 bytes"),
        ("just text\n", "1:1: the file is 'just text': start it with keys"),
        ("- a\n", "1:1: the file is a list of 1: start it with keys"),
        ("~\n", "1:1: the file is left empty: start it with keys"),
        ("recordings: x\n", "1:1: 'accounts' is missing"),
        ("accounts:\n", "1:1: accounts is left empty: give a list"),
        (
            "accounts: [{jid: a@localhost, bot: echo, calls: {max_duration: 0s}}]",
            "1:64: max_duration: a call needs more than 0 s: give more",
        ),
        (
            "accounts: [{jid: a@localhost, bot: echo, calls: {ring_timeout: 0}}]",
            "1:64: ring_timeout: a call needs more than 0 s: give more",
        ),
        ("accounts: []\n", "1:11: accounts is a list of 0: give at least 1 of them"),
        ("accounts: {a: 1}\n", "1:11: accounts is a mapping: give a list"),
        (MINIMAL + "5: x\n", "3:1: a key must be text"),
        (MINIMAL + "? [a]\n: x\n", "3:3: a key must be text"),
        (MINIMAL + "drain: !!python/name:os.system x\n", "3:8: the tag !!python/name:os.system"),
        (MINIMAL + "drain: " + "9" * 5000 + "\n", "3:8: this number can't be used"),
        (MINIMAL + "<<: [x]\n", "3:6: << takes an alias of a plain mapping"),
        (MINIMAL + "server: 5\n", "3:9: server: give 'embedded', the server's name, or a mapping"),
        (MINIMAL + "drain: .nan\n", "3:8: drain: give a duration from 0s to 365d"),
        (MINIMAL + "drain: -1\n", "3:8: drain: give a duration from 0s to 365d"),
        (MINIMAL + "drain: true\n", "3:8: drain: give a duration like"),
        (MINIMAL + "call_log: ''\n", "3:11: call_log: give the path of a file"),
        (MINIMAL + "call_log: .\n", " is a folder: name a file"),
        (MINIMAL + "calls: x\n", "3:1: there is no key 'calls' here: the file of call records is"),
        (MINIMAL + "calls: {limit: 1}\n", "is named by 'call_log'; 'calls', which calls are taken"),
        (
            MINIMAL + "server: {host: embedded, ca: x}\n",
            "3:26: the embedded server takes no 'ca': remove it",
        ),
        (MINIMAL + "server: {host: embedded, port: 0}\n", "3:32: port is the number 0: give at"),
        (account("password: [${PW}]"), f"4:16: {QUOTE}"),
        ("accounts: [{jid: a@b, password: ${PW}, bot: echo}]\n", f"1:33: {QUOTE}"),
        ("accounts: [{jid: '${A}', password: \n  ${PW}}]\n", f"2:3: {QUOTE}"),
        ("accounts:\n  - {password: ${PW}}\n", f"2:16: {QUOTE}"),
        (MINIMAL + "recordings: accounts.yaml\n", " is a file: name a folder"),
        (account("bto: x"), "4:5: there is no key 'bto' here: did you mean 'bot'?"),
        (account("drain: x"), "4:5: there is no key 'drain' here: it belongs at the top"),
        (account("bot: x"), "4:5: 'bot' is here again, after line 3: keep one"),
        (account("calls: {jid: a}"), "4:13: there is no key 'jid' here: it belongs in an account"),
        (
            account("calls: {qqq: a}"),
            "4:13: there is no key 'qqq' here: the keys are after, answer,",
        ),
        (account("calls: {audio: false, video: false}"), "4:34: video: a call has audio, video"),
        (account("calls: {from: [a@b/c]}"), "4:20: item 1 of from: 'a@b/c' has a resource"),
        (account("calls: {limit: 1.5}"), "4:20: limit is the number 1.5: give a whole number"),
        (account("calls: {limit: true}"), "4:20: limit is true: give a whole number"),
        (account("subscriptions: {request: a@b/c}"), "4:30: request: 'a@b/c' has a resource"),
        (account("resource: 'a\\b'"), None),
        (account('status: "\\u0001"'), "4:13: status: '\\x01' can't be sent over XMPP"),
        (account("password: ''"), "4:15: password: the secret is empty"),
        (account("password: ${"), "4:15: password: a ${ is never closed"),
        (account("password: ${a-b}"), "4:15: password: there is no variable name between ${ and }"),
        (account("password: ${EMPTY}"), "4:15: password: the variable is set but empty"),
        (
            account('password: "a\\tb"'),
            "4:15: line 1 of the secret of desk@localhost has a control",
        ),
        (
            account('password: "a\\nb"'),
            "4:15: the secret of desk@localhost has 2 lines: give it one",
        ),
        (account("password: file:."), "can't be read (Is a directory)"),
    ],
)
def test_each_fault_has_a_sentence(text: str | bytes, expected: str | None, write: Write) -> None:
    path = write(text)
    if expected is None:
        load(path, environ={})
        return
    found = faults(path, {"EMPTY": ""})
    assert len(found) == 1, found
    assert expected in found[0]


@pytest.mark.parametrize(
    ("jid", "expected"),
    [
        ("desk-{1..3}@localhost", None),
        ("'@localhost'", "has nothing before the @"),
        ("a b@localhost", "the user name of 'a b@localhost' can't contain ' '"),
        ("a@b@localhost", "can't contain '@'"),
        ("a@localhost/", "has nothing after the /"),
        ("localhost", "has no user before an @"),
        ("a@", "has no domain"),
        ("a@-b", "is not a domain name"),
        ("a@b..c", "is not a domain name"),
        ('"a\\nb@localhost"', "can't contain '\\n'"),
        ('"a@localhost/\\u0000"', "can't contain '\\x00'"),
        ("x" * 1024 + "@localhost", "has over 1,023 bytes"),
        ("a@localhost/" + "x" * 1024, "has over 1,023 bytes"),
        ("'a{1..2}{3..4}@localhost'", "has several braces"),
        ("'a{1..x}@localhost'", "has braces without a range"),
        ("'a{}@localhost'", "has braces without a range"),
        ("'a}@localhost'", "has braces without a range"),
        ("'a{3..1}@localhost'", "counts down"),
        ("'a{1..100001}@localhost'", "is over 100,000 accounts"),
        ("'a@b{1..2}'", "has its range after the @"),
        ("'a@localhost/{1..2}'", "has its range after the @"),
        ("'a/{1..2}@localhost'", "has its range after the @"),
        ("'a b{1..2}@localhost'", "can't contain ' '"),
        ("a@example.org", "the embedded server has accounts at localhost only, not at example.org"),
    ],
)
def test_addresses(jid: str, expected: str | None, write: Write) -> None:
    path = write(f"accounts:\n  - jid: {jid}\n    bot: echo\n")
    if expected is None:
        assert [a.jid for a in load(path).accounts] == [f"desk-{n}@localhost" for n in (1, 2, 3)]
        return
    found = faults(path)
    assert len(found) == 1, found
    assert expected in found[0]
    assert found[0].startswith("2:10: ")


def test_the_embedded_server_can_have_a_port(write: Write) -> None:
    path = write(MINIMAL + "server: {host: embedded, port: 5299}\n")
    assert load(path).server == Embedded(port=5299)
    assert load(path).media.addresses == ("127.0.0.1",)


def test_addresses_are_compared_in_one_form(write: Write) -> None:
    path = write(
        """\
accounts:
  - {jid: Desk@LOCALHOST, bot: echo}
  - {jid: desk@localhost, bot: echo}
  - {jid: desk@localhost/other, bot: echo}
  - {jid: "load-{1..4}@localhost", bot: echo}
  - {jid: "LOAD-{2..9}@localhost", bot: echo}
"""
    )
    only_once = "keep one, because an account runs only once"
    assert faults(path) == [
        "3:11: desk@localhost is already declared in line 2: keep one",
        f"4:11: desk@localhost is already declared in line 2: {only_once}",
        "6:11: load-2@localhost and 2 more of this fleet are already declared in line 5: keep one",
    ]


def test_a_fleet_is_padded_as_written(write: Write) -> None:
    def jids(pattern: str) -> list[str]:
        path = write(f"accounts:\n  - jid: '{pattern}'\n    bot: echo\n")
        return [a.jid for a in load(path).accounts]

    assert jids("a{08..11}b@localhost/x") == [
        f"a{n}b@localhost/x" for n in ("08", "09", "10", "11")
    ]
    assert jids("a{8..11}@localhost") == [f"a{n}@localhost" for n in (8, 9, 10, 11)]
    assert jids("a{0..1}@localhost") == ["a0@localhost", "a1@localhost"]
    assert jids("{5..5}@localhost") == ["5@localhost"]


def test_a_fleet_of_a_hundred_thousand(write: Write) -> None:
    path = write("accounts:\n  - jid: load-{000001..100000}@localhost\n    bot: echo\n")
    assert len(load(path).accounts) == 100_000
    path = write(
        "accounts:\n  - jid: load-{000001..100000}@localhost\n    bot: echo\n"
        "  - jid: one@localhost\n    bot: echo\n"
    )
    assert faults(path) == ["4:10: over 100,000 accounts: declare fewer"]


def test_a_fleet_has_one_password_or_one_each(write: Write) -> None:
    path = write("accounts:\n  - jid: a{1..3}@localhost\n    bot: echo\n    password: file:p\n")

    def passwords() -> list[str]:
        return [a.password.get_secret_value() for a in load(path).accounts]

    write("one\n", "p")
    assert passwords() == ["one"] * 3
    write("one\r\ntwo\r\nthree\r\n", "p")
    assert passwords() == ["one", "two", "three"]
    write("one\ntwo\n", "p")
    assert faults(path) == [
        "4:15: the secret of a{1..3}@localhost has 2 lines: give it one, or one for each of the 3"
    ]
    write("one\n\nthree\n", "p")
    assert "line 2 of the secret" in faults(path)[0]
    write("\n", "p")
    assert "is empty: write the secret into it" in faults(path)[0]
    write(b"one\n\xff\n", "p")
    assert "line 2 of the secret file" in faults(path)[0]


def test_a_real_server_wants_passwords(write: Write) -> None:
    path = write(
        "server: example.org\naccounts:\n  - {jid: a@example.org, bot: echo}\n"
        "  - {jid: b@example.org, password: x, bot: echo}\n"
    )
    assert faults(path) == ["3:5: the password of a@example.org is missing: add 'password:'"]


def test_a_server_wants_a_host_for_its_port_and_a_real_ca(write: Write) -> None:
    path = write(
        "server: {port: 5222, ca: nope.pem}\n"
        "accounts: [{jid: a@example.org, password: x, bot: echo}]\n"
    )
    assert [fault.partition(" ")[0] for fault in faults(path)] == ["1:16:", "1:26:"]


@pytest.mark.parametrize("name", ["embeded", "Embeded", "{host: embbeded}", "embedd"])
def test_the_embedded_server_misspelled_is_no_host(write: Write, name: str) -> None:
    path = write(f"server: {name}\naccounts: [{{jid: a@localhost, password: x, bot: echo}}]\n")
    [fault] = faults(path)
    assert "did you mean 'embedded'?" in fault


@pytest.mark.parametrize("name", ["embedded.example.org", "embed", "xmpp"])
def test_other_names_are_hosts(write: Write, name: str) -> None:
    path = write(f"server: {name}\naccounts: [{{jid: a@localhost, password: x, bot: echo}}]\n")
    assert load(path).server.host == name


def test_a_load_plan_is_told_as_one(write: Write) -> None:
    path = write("thresholds: []\nphases: [{login: {}}]\naccounts: [{jid: a@localhost}]\n")
    assert faults(path) == ["2:1: this is a load plan: run it with callboard load"]


@pytest.mark.parametrize(
    "content", [None, b"one\n\xff\n", b""], ids=["a folder", "not UTF-8", "empty"]
)
def test_what_is_wrong_with_a_secret_file_is_said_with_what_to_do(
    write: Write, tmp_path: Path, content: bytes | None
) -> None:
    secret = tmp_path / "secret"
    if content is None:
        secret.mkdir()
    else:
        secret.write_bytes(content)
    path = write("accounts: [{jid: a@localhost, password: 'file:secret', bot: echo}]\n")
    [fault] = faults(path)
    found, remedy = fault.rsplit(": ", 1)
    assert str(secret) in found
    assert re.match("(name|save|write) ", remedy), fault


def test_secrets_never_show(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "correct-horse"
    write(f"{secret}\n", "p")
    monkeypatch.setenv("DESK_PASSWORD", secret)
    path = write(
        "accounts:\n"
        "  - {jid: a@localhost, bot: echo, password: '${DESK_PASSWORD}'}\n"
        "  - {jid: b@localhost, bot: echo, password: file:p}\n"
        f"  - {{jid: c@localhost, bot: echo, password: {secret}}}\n"
    )
    settings = load(path)
    assert {a.password.get_secret_value() for a in settings.accounts} == {secret}
    assert secret not in repr(settings)
    assert secret not in str(settings)
    assert secret not in settings.model_dump_json()
    for wrong in (f"[{secret}]", f"{{a: {secret}}}", f'"{secret}\\t"', f'"{secret}\\n{secret}"'):
        bad = write(f"accounts:\n  - {{jid: c@localhost, bot: echo, password: {wrong}, x: y}}\n")
        with pytest.raises(ConfigError) as caught:
            load(bad)
        assert secret not in str(caught.value)
        assert secret not in repr(caught.value)
        assert caught.value.__context__ is None


def test_a_bomb_of_aliases_is_refused(write: Write) -> None:
    layers = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    layers += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (fault,) = faults(write("\n".join(layers)))
    assert "the file has over 200,000 values, aliases counted" in fault


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert faults(tmp_path / "none.yaml") == ["1:1: there is no such file: check the name"]
    assert faults(tmp_path) == ["1:1: this is a folder: name a YAML file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(write: Write) -> None:
    path = write(MINIMAL)
    path.chmod(0)
    assert "can't be read (Permission denied)" in faults(path)[0]


def test_settings_are_made_in_python_too() -> None:
    settings = Settings.model_validate(
        {"accounts": [{"jid": "desk@localhost", "bot": "echo", "password": "${as it is}"}]}
    )
    assert settings.recordings == Path("recordings")
    assert settings.accounts[0].password.get_secret_value() == "${as it is}"
    assert settings.accounts[0].subscriptions.accepts("alice@localhost")
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"accounts": [{"jid": "x", "password": ["hush"]}]})
    assert "hush" not in str(caught.value)
