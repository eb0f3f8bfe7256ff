"""``callboard check`` and ``callboard schema``."""

import json
import socket
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from callboard.bots import Bot
from callboard.control.address import derived_name, own_folder
from callboard.control.claim import claim
from callboard.tests.cli.command import callboard, in_process

BAD = """\
server: embedded
recordigs: out/
drain: soon
accounts:
  - jid: a@localhost
    bot: raising:Desk
  - jid: two words@localhost
    bot: nosuch:Desk
    calls: {answer: maybe}
  - jid: c@localhost
    bot: desks:Missing
  - jid: d@localhost
    bot: desks:NoBot
    password: ${CALLBOARD_UNSET}
  - jid: e@localhost
    bot: recordr
  - jid: f@localhost
    bot: broken:Desk
  - jid: g@localhost
    bot: needy:Desk
"""
FAULTS = """\
2:1: there is no key 'recordigs' here: did you mean 'recordings'?
3:8: drain: give a duration like 2s, 500ms, 1m30s or 1h
6:10: bot: importing raising raised RuntimeError at line 2: no luck
7:10: jid: the user name of 'two words@localhost' can't contain ' '
8:10: bot: there is no nosuch.py in {folder}, and no module nosuch is installed
9:21: answer is 'maybe': give 'auto', 'bot' or 'never'
11:10: bot: desks has no class 'Missing'; it has Desk
13:10: bot: desks:NoBot is not a subclass of callboard.bots.Bot
14:15: password: the environment variable CALLBOARD_UNSET is not set: export it first
16:10: bot: there is no bot 'recordr' (did you mean recorder?): use one of caller, \
conference, echo, operator, recorder, silent, or module:Class of your own
18:10: bot: importing broken raised SyntaxError at line 1: '(' was never closed (broken.py, line 1)
20:10: bot: needy imports the module no_such_module, which can't be found: install it, or put it \
beside the YAML file
"""
DESKS = """\
from callboard.bots import Bot


class Desk(Bot):
    pass


class NoBot:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with modules of every kind."""
    for name, text in {
        "desks": DESKS,
        "raising": "x = 1\nraise RuntimeError('no luck')\n",
        "broken": "def desk(\n",
        "needy": "import no_such_module\n",
        "related": "from . import desks\nimport desks as same\nDesk = desks.Desk\n",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    package = tmp_path / "lobby"
    package.mkdir()
    (package / "__init__.py").write_text("from .front import Desk\n")
    (package / "front.py").write_text("from ..desks import Desk\n")
    return tmp_path


def test_every_fault_at_once_in_its_place(folder: Path) -> None:
    file = folder / "bad.yaml"
    file.write_text(BAD)
    done = in_process("check", "bad.yaml", cwd=folder)
    assert done.returncode == 2
    assert not done.stdout
    wanted = FAULTS.format(folder=folder).splitlines()
    assert done.stderr.splitlines() == [f"bad.yaml:{line}" for line in wanted]


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_program_says_the_same(folder: Path, command: str) -> None:
    (folder / "bad.yaml").write_text(BAD)
    done = callboard(command, "bad.yaml", cwd=folder, anew=True)
    here = in_process("check", "bad.yaml", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", here.stderr)


def test_options_that_a_bot_refuses(folder: Path) -> None:
    (folder / "picky.py").write_text(
        "from callboard.bots import Bot\n"
        "class Picky(Bot):\n"
        "    def __init__(self, *given):\n"
        "        super().__init__(*given)\n"
        "        self.options['must']\n"
        "class Strange(Bot):\n"
        "    path = 'elsewhere'\n"
        "class Shop(Bot):\n"
        "    def read_options(self, options):\n"
        "        self.opening = options.text('opening', '09:00')\n"
        "        self.pause = options.seconds('pause', 1.0)\n"
        "        self.floor = options.take('floor', int, 0)\n"
        "        if self.floor > 3:\n"
        "            options.refuse('floor', 'there are three: give 0 to 3')\n"
    )
    (folder / "options.yaml").write_text(
        "accounts:\n"
        "  - jid: a@localhost\n"
        "    bot: caller\n"
        "    options: {to: b@localhost, every: soon}\n"
        "  - {jid: b@localhost, bot: picky:Picky}\n"
        "  - {jid: c@localhost, bot: picky:Strange}\n"
        "  - jid: d@localhost\n"
        "    bot: picky:Shop\n"
        "    options: {openning: 9, opening: 9, pause: long, floor: 4}\n"
        "  - jid: e@localhost\n"
        "    bot: picky:Shop\n"
        "    options: {floor: high}\n"
        "  - {jid: f@localhost, bot: caller}\n"
        "  - {jid: g@localhost, bot: caller, options: {to: []}}\n"
    )
    done = in_process("check", "options.yaml", cwd=folder)
    assert done.returncode == 2
    path = (
        "Strange.path is 'elsewhere', but path says how calls receive media: give 'frames', "
        "'packets', 'none' or None, or choose another name (picky.py, line 6)"
    )
    assert done.stderr.splitlines() == [
        "options.yaml:4:39: every: give a duration like 2s, 500ms, 1m30s or 1h",
        "options.yaml:5:29: bot: making picky:Picky raised KeyError at line 5: 'must'",
        f"options.yaml:6:29: bot: {path}",
        "options.yaml:9:25: openning: there is no such option: did you mean 'opening'?",
        "options.yaml:9:37: opening: give text, in quotes if it looks like a number",
        "options.yaml:9:47: pause: give a duration like 2s, 500ms, 1m30s or 1h",
        "options.yaml:9:60: floor: there are three: give 0 to 3",
        "options.yaml:12:22: floor: invalid literal for int() with base 10: 'high'",
        "options.yaml:13:5: to: there is nobody to call: give a JID, or a list of them",
        "options.yaml:14:51: to: there is nobody to call: give a JID, or a list of them",
    ]


CLASSES = """\
import abc
import asyncio
import functools
import sys
from callboard.bots import Bot

def plain(function):
    @functools.wraps(function)
    def call(*given):
        return function(*given)
    return call

class Sound(Bot):
    path = "frames"

    def __init__(self, *given):
        super().__init__(*given)
        self.options = {"more": 1, **self.options}

    @plain
    async def on_call(self, call, more=1):
        pass

    @staticmethod
    async def on_message(message):
        pass

    async def send(self, to, body):
        await super().send(to, body.upper())

class Plain(Bot):
    def on_call(self, call):
        pass

class Yields(Bot):
    async def on_call(self, call):
        yield

class Wants(Bot):
    async def on_start(self, call):
        pass

    async def on_data(self, call):
        pass

class Value(Bot):
    on_call = "answer"

class Abstract(Bot, abc.ABC):
    @abc.abstractmethod
    async def greet(self):
        pass

class Careless(Bot):
    def __init__(self, *given):
        pass

class Leaves(Bot):
    def __init__(self, *given):
        sys.exit("no luck")

class Interrupts(Bot):
    def __init__(self, *given):
        raise KeyboardInterrupt

class Cancels(Bot):
    def __init__(self, *given):
        raise asyncio.CancelledError

class Two(Bot):
    async def call(self, number):
        pass

    def on_stop(self):
        pass

class Wordless(Bot):
    def __init__(self, *given):
        raise ValueError

class Unspeakable(Exception):
    def __str__(self):
        sys.exit("no words")

class Mumbles(Bot):
    def __init__(self, *given):
        raise Unspeakable

class Waits(Bot):
    async def read_options(self, options):
        pass

class Halts(Bot):
    def read_options(self):
        yield

class Fails(Bot):
    def read_options(self, options):
        self.options["must"]
"""
NAMED = [
    "Sound",
    "Plain",
    "Yields",
    "Wants",
    "Value",
    "Abstract",
    "Careless",
    "Leaves",
    "Interrupts",
    "Cancels",
    "Two",
    "Wordless",
    "Mumbles",
    "Waits",
    "Halts",
    "Fails",
]
WRONG = """\
Plain.on_call is not async: begin it with 'async def on_call' (classes.py, line 32)
Yields.on_call contains 'yield', so it would never run: remove that (classes.py, \
line 36)
Wants.on_start is called as on_start(), which it does not accept (missing a required argument: \
'call') (classes.py, line 40)
Wants.on_data is called as on_data(call, data), which it does not accept (too many positional \
arguments) (classes.py, line 43)
Value.on_call hides Bot.on_call, which Callboard needs: choose another name \
(classes.py, line 46)
Abstract is abstract: implement greet (classes.py, line 49)
Careless.__init__ does not call Bot's: begin it with super().__init__(*given) (classes.py, line \
54)
making classes:Leaves raised SystemExit at line 60: no luck
making classes:Interrupts raised KeyboardInterrupt at line 64
making classes:Cancels raised CancelledError at line 68
Two.on_stop is not async: begin it with 'async def on_stop' (classes.py, line 74)
Two.call is called as call(to, audio, video, record, message, data, like), which it does not \
accept (got an unexpected keyword argument 'audio') (classes.py, line 71)
making classes:Wordless raised ValueError at line 79
making classes:Mumbles raised Unspeakable at line 87: Unspeakable, which can't be shown: its own \
str raises
Waits.read_options is async, so it would never run: begin it with 'def' (classes.py, \
line 90)
Halts.read_options contains 'yield', so it would never run: remove that (classes.py, \
line 94)
Halts.read_options is called as read_options(options), which it does not accept (too many \
positional arguments) (classes.py, line 94)
making classes:Fails raised KeyError at line 99: 'must'
"""


@pytest.mark.parametrize("command", ["check", "run"])
def test_classes_that_can_not_work(tmp_path: Path, command: str) -> None:
    (tmp_path / "classes.py").write_text(CLASSES)
    lines = [f'  - {{jid: "{name.lower()}@localhost", bot: "classes:{name}"}}\n' for name in NAMED]
    (tmp_path / "accounts.yaml").write_text("accounts:\n" + "".join(lines))
    done = in_process(command, "accounts.yaml", cwd=tmp_path)
    assert done.returncode == 2
    found = [line.partition(": bot: ")[2] for line in done.stderr.splitlines()]
    assert found == WRONG.splitlines()


NAMES = sorted(
    name for name in {*vars(Bot), *vars(Bot(None, "a@localhost", {}, Path()))}
    if not name.startswith("__") and name != "synthesizer"  # that one is there to be given
)  # fmt: skip


@pytest.mark.parametrize("where", ["class", "instance"])
def test_no_name_of_a_bots_own_may_be_taken(tmp_path: Path, where: str) -> None:
    """Each name that `Bot` has, whatever it is, overwritten with a number."""
    assert {"path", "call", "send", "on_call", "options", "log", "_ref"} <= set(NAMES)
    text = "from callboard.bots import Bot\n"
    for name in NAMES:
        text += f"class Takes{name}(Bot):\n"
        if where == "class":
            text += f"    {name} = 5\n"
        else:
            text += "    def __init__(self, *given):\n        super().__init__(*given)\n"
            text += f"        self.{name} = 5\n"
    (tmp_path / "taken.py").write_text(text)
    lines = [
        f'  - {{jid: "a{number}@localhost", bot: "taken:Takes{name}"}}\n'
        for number, name in enumerate(NAMES)
    ]
    (tmp_path / "accounts.yaml").write_text("accounts:\n" + "".join(lines))
    done = in_process("check", "accounts.yaml", cwd=tmp_path)
    assert done.returncode == 2
    found = done.stderr.splitlines()
    assert len(found) == len(NAMES)
    for name, line in zip(NAMES, found, strict=True):
        assert f" bot: Takes{name}.{name} " in line
        assert "name (taken.py, line " in line


MACHINE = """\
server: {host: localhost, ca: ca.pem}
recordings: /dev/null/recordings
call_log: plain/calls.jsonl
media: {addresses: [127.0.0.1, 192.0.2.7]}
drain: soon
accounts:
  - {jid: desk@localhost/one, password: x, bot: recorder}
  - {jid: Desk@localhost/two, password: x, bot: echo, options: {loud: true}}
  - jid: a@localhost
    password: x
    bot: recorder
    options: {greeting: none.ogg, vidoe: pattern, audio: pattern, wav: 1}
  - jid: b@localhost
    password: x
    bot: caller
    options: {to: [c@localhost, "two words@localhost"], audio: none, video: none, record: maybe}
"""
LACKING = """\
1:31: ca: {folder}/ca.pem contains no certificate (no certificate or crl found): give a PEM file \
with the authority's
2:13: recordings: nothing can be written to /dev/null/recordings (Not a directory): choose another \
place, or make it writable
3:11: call_log: nothing can be written to {folder}/plain/calls.jsonl (Not a directory): choose \
another place, or make it writable
4:32: addresses: No UDP socket can be opened on 192.0.2.7 (Cannot assign requested address): \
media.addresses must name addresses of this machine.
5:8: drain: give a duration like 2s, 500ms, 1m30s or 1h
8:11: desk@localhost is already declared in line 7: keep one, because an account runs only once
8:71: loud: there is no such option: this bot takes no options
12:25: greeting: 'none.ogg' is not a file in {folder}: give silence, tone, tone:FREQUENCY, \
tone:FREQUENCY:DURATION, echo, say:TEXT, none, the path of a file with audio, or loop:PATH
12:42: vidoe: there is no such option: did you mean 'video'?
12:58: audio: 'pattern' has no audio: give silence, tone, tone:FREQUENCY, tone:FREQUENCY:DURATION, \
echo, say:TEXT, none, the path of a file with audio, or loop:PATH
12:72: wav: give true or false
16:19: to: the user name of 'two words@localhost' can't contain ' '
16:64: audio: a call needs audio or video: give one of them a source
16:91: record: give true or false
"""


@pytest.mark.parametrize("command", ["check", "run"])
def test_what_the_machine_and_the_bots_lack(tmp_path: Path, command: str) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    (tmp_path / "plain").write_text("no folder")
    (tmp_path / "machine.yaml").write_text(MACHINE)
    done = in_process(command, "machine.yaml", cwd=tmp_path)
    assert done.returncode == 2
    wanted = LACKING.format(folder=tmp_path).splitlines()
    assert done.stderr.splitlines() == [f"machine.yaml:{line}" for line in wanted]


def test_ports_that_are_all_taken(tmp_path: Path) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        (tmp_path / "accounts.yaml").write_text(
            f"media: {{ports: {port}-{port}}}\naccounts:\n  - {{jid: a@localhost, bot: echo}}\n"
        )
        done = in_process("check", "accounts.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f"accounts.yaml:1:16: ports: All UDP ports {port}-{port} on ")


def test_a_port_of_the_embedded_server_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "accounts.yaml").write_text(
            f"server: {{host: embedded, port: {port}}}\n"
            "accounts:\n  - {jid: a@localhost, bot: echo}\n"
        )
        for command in ("check", "run"):
            done = in_process(command, "accounts.yaml", cwd=tmp_path)
            assert done.returncode == 2
            assert done.stderr.startswith(f"accounts.yaml:1:32: port: 127.0.0.1 port {port} can't")


PORTS = {
    "metrics": "metrics: {address: 127.0.0.1:%d}",
    "web": "web: {address: 127.0.0.1:%d}",
    "server": "server: {host: embedded, port: %d}",
}


@pytest.mark.parametrize("key", PORTS)
def test_a_port_that_is_in_use_is_a_fault_unless_the_file_runs(tmp_path: Path, key: str) -> None:
    file = tmp_path / "accounts.yaml"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file.write_text(f"{PORTS[key] % port}\naccounts:\n  - {{jid: a@localhost, bot: echo}}\n")
        for command in ("check", "run"):
            done = in_process(command, "accounts.yaml", cwd=tmp_path)
            assert done.returncode == 2
            assert "(Address already in use)" in done.stderr
        held = claim(own_folder() / derived_name(file))  # as the instance has it
        try:
            assert in_process("check", "accounts.yaml", cwd=tmp_path).returncode == 0
            done = in_process("run", "accounts.yaml", cwd=tmp_path)
            assert done.returncode == 1
            assert "runs already" in done.stderr
        finally:
            held.release()
    assert in_process("check", "accounts.yaml", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("missing/s", "No such file or directory: make this folder, or choose another place"),
        ("file/s", "Not a directory: choose another place"),
        ("x" * 120, "too long"),
        ("/proc/s", ": make this folder, or choose"),
    ],
)
def test_a_control_socket_that_can_not_be(tmp_path: Path, place: str, words: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "accounts.yaml").write_text(
        f"control: {place}\naccounts:\n  - {{jid: a@localhost, bot: echo}}\n"
    )
    done = in_process("check", "accounts.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("accounts.yaml:1:10: control: ")
    assert words in done.stderr


def test_check_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "accounts.yaml").write_text(
        "recordings: deep/er\naccounts:\n  - {jid: a@localhost, bot: echo}\n"
    )
    assert in_process("check", "accounts.yaml", cwd=tmp_path).returncode == 0
    assert [one.name for one in tmp_path.iterdir()] == ["accounts.yaml"]


def test_run_and_call_refuse_what_check_refuses(folder: Path) -> None:
    (folder / "bad.yaml").write_text(BAD)
    for arguments in (("run", "bad.yaml"), ("call", "bad.yaml", "a@localhost", "b@localhost")):
        done = in_process(*arguments, cwd=folder)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == len(FAULTS.splitlines())


@pytest.mark.parametrize("bot", ["desks:Desk", "related:Desk", "lobby:Desk", "lobby.front:Desk"])
def test_a_class_beside_the_file(folder: Path, bot: str) -> None:
    deployment = folder / "accounts.yaml"
    deployment.write_text(f"accounts:\n  - {{jid: a@localhost, bot: '{bot}'}}\n")
    done = in_process("check", deployment)  # from another folder
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{deployment}: 1 account, bots: {bot}. No problems found.\n"


def test_the_examples_are_sound() -> None:
    examples = Path(__file__).resolve().parents[2] / "examples"
    files = sorted(examples.rglob("*.yaml"))
    assert files
    for file in files:
        done = in_process("check", file)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_load_plan_with_faults(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(
        "accounts:\n  - jid: a@localhost\n    show: no\nphases: []\n"
    )
    done = in_process("check", "plan.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "plan.yaml:3:11: show is " in done.stderr


def test_no_file(tmp_path: Path) -> None:
    done = in_process("check", "nowhere.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == "nowhere.yaml:1:1: there is no such file: check the name\n"


def test_schema_is_what_editors_read() -> None:
    done = in_process("schema")
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"server", "recordings", "accounts"} <= set(schema["properties"])


@pytest.mark.parametrize("name", ["", "demo", "run", "check", "call", "schema"])
def test_help_fits_a_narrow_terminal(name: str) -> None:
    done = in_process(*name.split(), "--help", environ={"COLUMNS": "80"})
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: ")
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


def test_arguments_that_are_wrong() -> None:
    done = in_process("run")
    assert done.returncode == 2
    assert "Missing argument 'FILE'" in done.stderr


#: Faults of one account each, and what is said of them; none hides another one.
ONE_BY_ONE = {
    "jid: desk@example.org": "the embedded server has accounts at localhost only",
    "jid: twin@localhost": "twin@localhost is already declared",
    "jid: two words@localhost": "jid: the user name of 'two words@localhost' can't contain",
    "bot: recordr": "bot: there is no bot 'recordr'",
    "options: {loud: true}": "loud: there is no such option",
    "options: {wav: 1}": "wav: give true or false",
    "options: 5": "options is the number 5",
    "show: gone": "show is 'gone'",
    "colour: red": "there is no key 'colour' here",
    "calls: {limit: many}": "limit is 'many'",
    "calls: {from: 5}": "from is the number 5: give a pattern like *@example.org, or a list",
    "subscriptions: {request: nobody@localhost}": "request: the embedded server has no account",
    "password: [1]": "password is a list",
    'resource: ""': "resource: the resource is empty",
}


def pairs() -> Iterator[tuple[str, str]]:
    """Each two of them that one account can have."""
    for one, other in combinations(ONE_BY_ONE, 2):
        keys = {one.partition(":")[0], other.partition(":")[0]}
        if len(keys) == 2 and keys != {"bot", "options"}:  # which options there are, the bot says
            yield one, other


@pytest.mark.parametrize(("one", "other"), [*pairs()])
def test_no_fault_hides_another_one(tmp_path: Path, one: str, other: str) -> None:
    keys = dict(text.partition(": ")[::2] for text in (one, other))
    entry = {"jid": "desk@localhost", "bot": "recorder", **keys}
    lines = "\n".join(f"    {key}: {value}" for key, value in entry.items())
    text = f"accounts:\n  - {{jid: twin@localhost, bot: echo}}\n  -\n{lines}\n"
    (tmp_path / "accounts.yaml").write_text(text)
    done = in_process("check", "accounts.yaml", cwd=tmp_path)
    assert done.returncode == 2
    found = done.stderr.splitlines()
    wanted = {ONE_BY_ONE[one], ONE_BY_ONE[other]}
    if "two words" in one and "request" in other:  # once it is mended, it may be the one
        wanted.discard(ONE_BY_ONE[other])
    assert [words for words in wanted if not any(words in line for line in found)] == []
    assert len(found) == len(wanted)
