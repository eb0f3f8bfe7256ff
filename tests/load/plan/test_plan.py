"""Load plans: what they take, and everything that is wrong with them at once."""

from pathlib import Path

import pytest
from callboard.config import ConfigError
from callboard.load import Plan, load_plan, plan_schema
from callboard.load.plan.capacity import CapacityError, calls_at_once, check_open_files, open_files
from callboard.load.plan.phase import CallPhase
from callboard.load.plan.plan import titles
from callboard.load.plan.reference_page import reference
from ruamel.yaml import YAML

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "load.yaml"
HEAD = """\
server: embedded
accounts:
  - jid: caller-{1..9}@localhost
  - jid: callee-{1..9}@localhost
"""


def plan(folder: Path, phases: str, head: str = HEAD) -> Plan:
    file = folder / "plan.yaml"
    file.write_text(head + phases, encoding="utf-8")
    return load_plan(file)


def faults(folder: Path, phases: str, head: str = HEAD) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        plan(folder, phases, head)
    return [f"{one.line}:{one.column}: {one.message}" for one in caught.value.problems]


def test_the_example_is_a_plan() -> None:
    found = load_plan(EXAMPLE)
    assert len(found.accounts) == 60
    assert [phase.kind for phase in found.phases] == [
        "login", "idle", "call", "message", "presence", "logout"
    ]  # fmt: skip
    call = found.phases[2].activity
    assert isinstance(call, CallPhase)
    assert call.hold.distribution == "uniform"


def test_accounts_have_a_resource_that_callers_know(tmp_path: Path) -> None:
    found = plan(tmp_path, "phases: [{login: {}}]")
    assert found.accounts[0].jid == "caller-1@localhost/load"
    assert found.accounts[0].bot == "participant"
    assert found.accounts[0].calls.limit > 1000


def test_a_file_of_accounts_is_no_plan(tmp_path: Path) -> None:
    [fault] = faults(tmp_path, "drain: 1s\n")
    assert fault.endswith(
        ": 'phases' is missing: add it, or use callboard run if this is no load plan"
    )


def test_all_faults_are_told_at_once_with_their_places(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        """\
phases:
  - login: {rate: fast}
  - call: {rate: 2/s, durration: 5s}
  - call: {rate: 2/s}
  - {idle: {duration: 1s}, logout: {}}
  - message: {rate: 1/s, duration: 5s, size: 0}
thresholds:
  - call.setup.p95 < 500
  - check: login.faild == 0
shards: 0
""",
    )
    assert found[0].startswith("6:19: rate: give a rate like 50/s")
    assert found[1].startswith("7:23: there is no key 'durration' here: did you mean 'duration'?")
    assert "8:11: call: the phase has no rate: add 'rate' and 'duration', or 'steps'" in found[2]
    assert found[3].startswith(
        "9:5: item 4 of phases: a phase does one thing, but this one does idle and"
    )
    assert found[4].startswith("10:46: size is the number 0")
    assert "needs its unit: write 500ms" in found[5]
    assert found[6].startswith("13:12: check: faild is none of")
    assert "did you mean login.failed" in found[6]
    assert found[7].startswith("14:9: shards is the number 0")


def test_phases_have_titles_of_their_own_that_thresholds_name(tmp_path: Path) -> None:
    call = "call: {rate: 1/s, duration: 5s}"
    found = plan(
        tmp_path,
        f"phases: [{{login: {{}}}}, {{{call}}}, {{name: rush hour, {call}}}, {{{call}}}]\n"
        "thresholds: [{check: call.setup.p95 < 1s, phase: rush hour}]\n",
    )
    assert titles(found.phases) == ("login", "call", "rush hour", "call 2")
    assert found.thresholds[0].text == "rush hour: call.setup.p95 < 1s"
    wrong = faults(
        tmp_path,
        f"phases: [{{name: rush hour, {call}}}]\n"
        "thresholds:\n"
        "  - call.ok > 0\n"
        "  - {check: call.setup.p95 < 1s, phase: rush hours}\n"
        "  - {check: generator.lag.p99 < 50ms, phase: rush hour}\n",
    )
    assert wrong[0].startswith("8:5: item 2 of thresholds: phase: there is no phase 'rush hours'")
    assert wrong[0].endswith("did you mean 'rush hour'?")
    assert (
        wrong[1]
        == "9:46: phase: generator.lag is for the whole run, not for a phase: remove 'phase'"
    )


def test_a_phase_without_accounts_is_told_with_its_place(tmp_path: Path) -> None:
    found = faults(
        tmp_path, "phases:\n  - login: {}\n  - message: {to: x@localhost, rate: 1, duration: 1s}\n"
    )
    assert found[0].startswith("7:5: item 2 of phases: the phase message has no pair of accounts")


@pytest.mark.parametrize(
    ("phases", "words"),
    [
        ("phases: []", "phases"),
        ("phases: [{}]", "this one does nothing"),
        ("phases: [{login: {accounts: nobody@localhost}}]", "matches none"),
        ("phases: [{call: {from: nobody@localhost, rate: 1, duration: 1}}]", "no pair of accounts"),
        ("phases: [{call: {rate: 1, duration: 1, audio: none}}]", "a call has audio, video"),
        ("phases: [{call: {rate: 1, duration: 1s, ramp: 2s}}]", "the ramp is longer"),
        ("phases: [{call: {rate: 1, duration: 1s, audio: no.ogg}}]", "'no.ogg' is not a file in"),
        ("phases: [{call: {rate: 1, duration: 1s, audio: tone:x}}]", "like tone:440"),
        ("phases: [{call: {rate: 1, duration: 1s, audio: pattern}}]", "'pattern' has no audio"),
        ("phases: [{call: {rate: 1, duration: 1s, video: tone}}]", "'tone' has no video"),
        ("phases: [{call: {rate: 1, duration: 1, hold: {mean: x}}}]", "give a duration"),
        ("phases: [{login: {}}]\naccounts: []", "accounts"),
    ],
)
def test_a_fault_says_what_would_be_right(tmp_path: Path, phases: str, words: str) -> None:
    assert words in "\n".join(faults(tmp_path, phases))


def test_bots_are_found_and_checked(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from callboard.bots import Bot\nclass Mine(Bot): pass\n", encoding="utf-8"
    )
    head = "accounts: [{jid: a@localhost, bot: 'mine:Mine'}]\n"
    assert plan(tmp_path, "phases: [{login: {}}]", head).accounts[0].bot == "mine:Mine"
    head = "accounts: [{jid: a@localhost, bot: 'mine:Theirs'}]\n"
    assert faults(tmp_path, "phases: [{login: {}}]", head)[0].endswith("it has Mine")


def test_a_plan_that_needs_more_files_is_refused_with_the_number(tmp_path: Path) -> None:
    found = plan(
        tmp_path,
        "phases: [{login: {}}, {call: {rate: 10/s, duration: 60s, hold: 98s}}]",
        "server: embedded\naccounts: [{jid: 'a-{1..4000}@localhost'}]\n",
    )
    assert calls_at_once(found) == 1000
    assert open_files(found, 2) == 4150  # the server's
    check_open_files(4150, 4150)
    with pytest.raises(CapacityError, match=r"needs 4,150 open files.*the limit is 1,024"):
        check_open_files(4150, 1024)


def test_the_schema_describes_phases_and_accounts() -> None:
    schema = plan_schema()
    assert {"phases", "thresholds", "accounts", "server", "shards"} <= set(schema["properties"])
    assert schema["title"] == "Callboard load plan"
    assert {"login", "call", "message"} <= set(schema["$defs"]["Phase"]["properties"])
    assert "bot" not in schema["$defs"]["LoadAccount"]["required"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("phases", []),
        ("phases", [{}]),
        ("phases", [{"login": {}, "logout": {}}]),
        ("phases", [{"login": {"rate": "fast"}}]),
        ("phases", [{"call": {"rate": "1/s", "durration": "5s"}}]),
        ("phases", [{"call": {"rate": "1/s"}}]),
        ("phases", [{"idle": {}}]),
        ("thresholds", ["call.setup.p95 less than a second"]),
        ("thresholds", [{"check": "call.ok > 1", "phase": 3}]),
        ("watchdog", {"then": "shout"}),
        ("shards", 0),
    ],
)
def test_the_schema_refuses_what_a_plan_refuses(key: str, value: object) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="it comes with Ray")
    schema = jsonschema.Draft202012Validator(plan_schema())
    document = YAML(typ="safe").load(EXAMPLE.read_text(encoding="utf-8"))
    assert schema.is_valid(document)
    assert not schema.is_valid({**document, key: value})


def test_the_page_is_up_to_date() -> None:
    page = EXAMPLE.parents[1] / "docs" / "load.md"
    assert page.read_text(encoding="utf-8") == reference(), "run script/docs"
