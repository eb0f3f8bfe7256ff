"""A minute of chance in each run of the suite; ``script/fuzz`` has more of it.

Hypothesis makes the examples, in rounds of 50 until the time is up. atheris, which is guided by
coverage, was weighed and left out: the changes know what a stanza is, and 8,000 examples reach 93 %
of the lines of jingle/. Of the rest all but about twenty need no peer: they are errors of our own.
"""

import os
import secrets

import pytest
from callboard.jingle import Role
from callboard.tests.fuzz.make_seeds import FOLDER, made
from callboard.tests.fuzz.properties import PROPERTIES
from callboard.tests.fuzz.run import fuzz
from callboard.tests.fuzz.stanzas import SEEDS
from callboard.tests.fuzz.targets import feed, read_aside, translate
from callboard.tests.jingle.replay import session_for

SECONDS = float(os.environ.get("CALLBOARD_FUZZ_SECONDS", "60"))
"""For all properties together."""


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("name", PROPERTIES)
def test_by_chance(name: str) -> None:
    fuzz([name], SECONDS / len(PROPERTIES), secrets.randbits(32))


@pytest.mark.parametrize("name", PROPERTIES)
def test_always_the_same(name: str) -> None:
    fuzz([name], 0, 1)


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed(name: str) -> None:
    seed = SEEDS[name]
    feed(session_for(Role.RESPONDER, seed.get("sid", "s")), seed)
    for role in Role:
        translate(seed, role, answering=role is Role.RESPONDER)
    read_aside(seed)


def test_the_seeds_are_what_we_say() -> None:
    assert {path.stem for path in FOLDER.glob("*.xml")} == made().keys()
