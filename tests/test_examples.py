"""Each example, copied elsewhere, does with one command what it says."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from callboard.cli import settings
from callboard.config import ConfigError
from callboard.media import check_speech
from callboard.media.hearing import voice_detector
from callboard.media.sources import espeak
from callboard.tests.cli.command import Running, check_sound, records, running, seconds_between
from callboard.tests.cli.template import Template
from callboard.tests.live import heard
from callboard.tests.media.espeak import needs_espeak

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture(scope="module", autouse=True)
def template() -> Iterator[None]:
    """Read what the examples need once."""
    with Template.serving():
        yield


def copied(name: str, folder: Path) -> Path:
    """The YAML file of a copy of an example, so that nothing is written into the repository."""
    target = folder / name
    ignored = shutil.ignore_patterns("recordings", "__pycache__", "greeting.wav")
    shutil.copytree(EXAMPLES / name, target, ignore=ignored)
    return target / "accounts.yaml"


def logged(run: Running, bot: str, pattern: str) -> re.Match[str]:
    """What a bot logged, once it has."""
    event = run.until(
        lambda e: (
            e["event"] == "Log"
            and e["logger"] == f"callboard.bots.{bot}"
            and re.search(pattern, e["message"]) is not None
        )
    )
    found = re.search(pattern, event["message"])
    assert found is not None
    return found


def test_greeter(tmp_path: Path) -> None:
    file = copied("greeter", tmp_path)
    with running("run", file) as run:
        logged(run, "Greeter", "made greeting.wav")
        logged(run, "Greeter", "^alice@localhost/.* has heard the greeting$")
        seconds = float(logged(run, "Greeter", r"^recorded ([\d.]+) s of alice@localhost/")[1])
        assert run.stop() == 0
    found = records(file.parent / "recordings" / "calls.jsonl")
    assert seconds_between(found["alice@localhost"], "connected", "ended") > 5 - 0.1
    record = found["desk@localhost"]
    check_sound(record, seconds)
    assert record["state"] == "completed"
    assert Path(record["recordings"][0]["path"]).suffix == ".ogg"


def test_levels(tmp_path: Path) -> None:
    file = copied("levels", tmp_path)
    with running("run", file) as run:
        line = r"^meter@localhost/\S+ says: level (-[\d.]+) dBFS, peak (-[\d.]+) dBFS, "
        tone = logged(run, "Talker", line + "0% silence$")
        silence = logged(run, "Talker", line + "100% silence$")
        run.until(lambda e: e["event"] == "CallRecord" and e["account"] == "alice@localhost")
        assert run.stop() == 0
    assert -20 < float(tone[1]) < -6
    # A sine's peak lies 3 dB over its level.
    assert float(tone[2]) - float(tone[1]) == pytest.approx(3, abs=1)
    assert float(silence[1]) < -80


def test_conference(tmp_path: Path) -> None:
    with running("run", copied("conference", tmp_path)) as run:
        logged(run, "Conference", r"/\S+ has joined, 3 here$")
        for others in ("700 Hz and 1000 Hz", "400 Hz and 1000 Hz", "400 Hz and 700 Hz"):
            logged(run, "Guest", f"^I hear {others}$")
        assert run.stop() == 0
    heard = {(e["account"], e["message"]) for e in run.events if "I hear" in e.get("message", "")}
    for account, tone in {"alice": 400, "bob": 700, "carol": 1000}.items():
        own = [line for who, line in heard if who.startswith(account) and f"{tone} Hz" in line]
        assert own == []


@needs_espeak
def test_voice_agent(tmp_path: Path) -> None:
    with running("run", copied("voice_agent", tmp_path)) as run:
        logged(run, "Talker", "^the agent greeted me")
        logged(run, "Talker", "^the agent answers$")
        logged(run, "Agent", r"^alice@localhost/\S+ interrupted me after [\d.]+ s$")
        heard = float(logged(run, "Talker", r"^the agent was silent after ([\d.]+) s$")[1])
        run.until(lambda e: e["event"] == "CallRecord" and e["account"] == "agent@localhost")
        assert run.stop() == 0
    # Unless interrupted, it takes more than 15 seconds.
    assert heard < 10


@pytest.mark.parametrize("missing", ["the detector", "espeak-ng"])
def test_voice_agent_says_what_is_missing_before_it_logs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    file = copied("voice_agent", tmp_path)
    check_speech.cache_clear()
    if missing == "the detector":
        monkeypatch.setattr(voice_detector, "find_spec", lambda _: None)
        words = r"pip install 'callboard\[speech\]'"
    else:
        monkeypatch.setattr(espeak, "PROGRAM", "no-such-program")
        words = "no-such-program is not installed: install it"
    try:
        with pytest.raises(ConfigError, match=words) as refused:
            settings.read(file)
    finally:
        check_speech.cache_clear()
    assert "raised" not in str(refused.value)


@needs_espeak
def test_switchboard(tmp_path: Path) -> None:
    file = copied("switchboard", tmp_path)
    file.write_text(file.read_text("utf-8") + "drain: 0s\n", "utf-8")
    with running("run", file) as run:
        logged(run, "Switchboard", r"^alice@localhost/\S+ talks to ann@localhost$")
        logged(run, "Switchboard", r"^bob@localhost/\S+ is number 1$")
        message = logged(run, "Switchboard", r"^([\d.]+) s from carol@localhost/\S+: (.+)$")
        logged(run, "Switchboard", r"^bob@localhost/\S+ talks to ann@localhost$")
        assert run.stop() == 0
    assert float(message[1]) > 0
    [[pitch]] = heard.tones(Path(message[2]))
    assert pitch == pytest.approx(500, abs=5)
