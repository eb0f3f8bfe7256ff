"""What the pages say is true: links lead somewhere, blocks parse, programs run as they claim."""

import ast
import inspect
import re
import textwrap
import wave
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from callboard import bots
from callboard.bots.find import BUILT_IN
from callboard.tests.cli.command import (
    Running,
    check_sound,
    in_process,
    records,
    running,
    seconds_between,
)
from callboard.tests.media.espeak import needs_espeak
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def blocks(page: Path, *languages: str) -> list[str]:
    """The blocks of code of a page."""
    found = BLOCK.findall(page.read_text("utf-8"))
    return [text for language, text in found if language in languages]


def programs(page: Path, folder: Path) -> Path:
    """Write the files of a page, whose blocks begin with the file's name; return the YAML file."""
    files: dict[str, list[str]] = defaultdict(list)
    for text in blocks(page, "python", "yaml"):
        if named := re.match(r"# (\w+\.(?:py|yaml))\n", text):
            files[named[1]].append(text[named.end() :])
    for name, parts in files.items():
        (folder / name).write_text("\n".join(parts), "utf-8")
    return folder / "accounts.yaml"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith(("https://", "http://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_parse(page: Path) -> None:
    for text in blocks(page, "python"):
        ast.parse(textwrap.dedent(re.sub(r"\A# \S+\n", "", text)))
    for text in blocks(page, "yaml"):
        YAML(typ="safe", pure=True).load(text)


def test_pages_name_nothing_of_one_machine() -> None:
    for page in PAGES:
        assert not re.search(r"/(work|root|home)/", page.read_text("utf-8")), page


def said(run: Running, sentence: str) -> None:
    """Wait until something like this was logged."""
    run.until(lambda e: e["event"] == "Log" and re.search(sentence, e["message"]) is not None)


def test_readme_program_does_what_it_says(tmp_path: Path) -> None:
    file = programs(ROOT / "README.md", tmp_path)
    assert in_process("check", file).returncode == 0
    with running("run", file) as run:
        said(run, "^the call completed: success$")
        run.until(lambda e: e["event"] == "CallRecord" and e["account"] == "desk@localhost")
        assert run.stop() == 0
    found = records(tmp_path / "recordings" / "calls.jsonl")
    assert [record["state"] for record in found.values()] == ["completed"] * 2
    check_sound(found["desk@localhost"], found["desk@localhost"]["recordings"][0]["seconds"])
    assert seconds_between(found["alice@localhost"], "connected", "ended") > 3 - 0.1
    assert {media["kind"] for media in found["desk@localhost"]["media"]} == {"audio", "video"}


def patient(folder: Path) -> None:
    """Give programs as long as a busy machine needs for what they wait for."""
    for program in folder.glob("*.py"):
        text = program.read_text("utf-8")
        program.write_text(re.sub(r'timeout="[0-9]+s"', 'timeout="100s"', text), "utf-8")


def test_every_bot_of_the_bots_page_runs_in_its_program(tmp_path: Path) -> None:
    file = programs(ROOT / "docs" / "bots.md", tmp_path)
    declared = {one["bot"] for one in YAML(typ="safe").load(file)["accounts"]}
    for module in tmp_path.glob("*.py"):
        for name in re.findall(r"^class (\w+)\(Bot\)", module.read_text("utf-8"), re.MULTILINE):
            assert f"{module.stem}:{name}" in declared
    code = "".join(one.read_text("utf-8") for one in tmp_path.glob("*.py"))
    for block in blocks(ROOT / "docs" / "bots.md", "python"):
        assert block.partition("\n")[2] in code, "a block without its file's name"


@needs_espeak
def test_each_other_file_of_the_bots_page_passes_the_check(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "speech.wav"), "wb") as speech:
        speech.setparams((1, 2, 8000, 0, "NONE", ""))
        speech.writeframes(bytes(1600))
    found = [
        text for text in blocks(ROOT / "docs" / "bots.md", "yaml") if "# accounts.yaml" not in text
    ]
    for number, text in enumerate(found):
        file = tmp_path / f"{number}.yaml"
        file.write_text(f"server: embedded\n{text}", "utf-8")
        done = in_process("check", file)
        assert done.returncode == 0, done.stderr
    assert found


@needs_espeak
def test_bots_page_program_does_what_it_says(tmp_path: Path) -> None:
    file = programs(ROOT / "docs" / "bots.md", tmp_path)
    patient(tmp_path)
    assert in_process("check", file).returncode == 0
    with running("run", file) as run:
        for sentence in (
            "^open from 09:00, files are in ",
            "^You said: Anybody there[?]$",
            "^in from visitor@localhost/.*: audio$",
            "^visitor@localhost is here [(]available[)]$",
            "^visitor@localhost: subscription (from|to|both|none)$",
            "^connected after [0-9]+[.][0-9] s$",
            "^counted down in [0-9]+[.][0-9] s$",
            "^said it in [0-9]+[.][0-9] s$",
            "^heard 3 s$",
            "^completed after [0-9]+ packets$",
            "^the call completed: success$",
            "^came to lobby@localhost/",
            "^a PIN of 4 keys$",
            "^somebody is there$",
            "^the menu says 42$",
            "^put through at once$",
            "^put through after asking$",
            "^[0-9]+[.][0-9] s were said$",
        ):
            said(run, sentence)
        run.until(lambda _: sum(one["event"] == "CallRecord" for one in run.events) == 16)
        assert run.stop() == 0
        said(run, "^lobby@localhost is closed$")
    assert [event for event in run.events if event["event"] == "BotFailed"] == []


#: Experts who do not take a call, and guests, of which one does not wait.
OTHERS = """
from contextlib import suppress

from callboard.bots import Bot, CallOver


class Declines(Bot):
    pass


class Refuses(Bot):
    async def on_call(self, call):
        await call.answer(audio="tone:500")
        await call.press("2")


class HangsUp(Bot):
    async def on_call(self, call):
        await call.answer(audio="tone:500")
        await call.hangup()


class IsSilent(Bot):
    async def on_call(self, call):
        await call.answer(audio="tone:500")


class Guest(Bot):
    async def on_start(self):
        for key in self.options["keys"]:
            call = await self.call(self.options["to"])
            with suppress(CallOver):  # the desk may be done as soon as it has heard the key
                await call.press(key)
            await call.ended()


class Leaves(Bot):
    async def on_start(self):
        call = await self.call(self.options["to"])
        with suppress(CallOver):
            await call.press("2")

    async def on_media(self, call):
        await call.hangup()  # as it was put on hold
"""

#: What the expert is, what the guest is, which keys it presses, and how many calls there are then.
DESKS = [
    ("Declines", "Guest", "12", 4),
    ("Refuses", "Guest", "2", 2),
    ("HangsUp", "Guest", "12", 4),
    ("IsSilent", "Leaves", "2", 2),
]


def test_who_is_not_put_through_hears_so_and_nobody_is_left_in_a_call(tmp_path: Path) -> None:
    programs(ROOT / "docs" / "bots.md", tmp_path)
    (tmp_path / "others.py").write_text(OTHERS, "utf-8")
    accounts = []
    for number, (expert, guest, keys, _) in enumerate(DESKS):
        desk, to = f"desk{number}@localhost", f"expert{number}@localhost"
        options = {"to": desk, "keys": keys} if guest == "Guest" else {"to": desk}
        accounts += [
            {"jid": desk, "bot": "desk:Desk", "options": {"expert": to}},
            {"jid": to, "bot": f"others:{expert}"},
            {"jid": f"guest{number}@localhost", "bot": f"others:{guest}", "options": options},
        ]
    file = tmp_path / "desks.yaml"
    with file.open("w") as written:
        YAML(typ="safe").dump({"server": "embedded", "accounts": accounts}, written)
    wanted = 2 * sum(calls for *_, calls in DESKS)  # each call has two ends
    with running("run", file) as run:
        run.until(lambda _: sum(one["event"] == "CallRecord" for one in run.events) == wanted)
        assert run.stop() == 0
    assert [event for event in run.events if event["event"] == "BotFailed"] == []


def test_every_method_of_a_bot_stands_on_the_page() -> None:
    page = (ROOT / "docs" / "bots.md").read_text("utf-8")
    for kind in (bots.Bot, bots.Call, bots.Message, bots.Playback):
        for name, member in vars(kind).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                assert f"{name}(" in page, f"{kind.__name__}.{name}"
    for name in BUILT_IN:
        assert f"`{name}`" in page


def public() -> dict[str, Any]:
    """Every public function and class of `callboard.bots`, and their public methods."""
    found: dict[str, Any] = {}
    for name in bots.__all__:
        one = getattr(bots, name)
        found[name] = one
        if inspect.isclass(one) and one.__module__.startswith("callboard.bots"):
            for key, member in vars(one).items():
                if not key.startswith("_") and (
                    inspect.isfunction(member) or isinstance(member, property)
                ):
                    found[f"{name}.{key}"] = member
    return found


@pytest.mark.parametrize("name", public())
def test_public_names_are_described(name: str) -> None:
    one = public()[name]
    assert one.__doc__, "no docstring"
    if not inspect.isfunction(one):
        return
    arguments = [key for key in inspect.signature(one).parameters if key != "self"]
    for argument in arguments:
        assert re.search(rf"^\s+{argument}: ", one.__doc__, re.MULTILINE), argument
    raised = set(re.findall(r"raise (\w+)\(", inspect.getsource(one)))
    for error in raised:
        assert error in one.__doc__.partition("Raises:")[2], error
