"""The same examples in each run of the suite; ``script/fuzz`` has others, by chance.

Hypothesis makes the examples, in rounds of 50. atheris, which is guided by
coverage, was weighed and left out: the changes know what a stanza is, and 8,000 examples reach 93 %
of the lines of jingle/. Of the rest all but about twenty need no peer: they are errors of our own.
"""

import pytest
from callboard.jingle import Role
from callboard.tests.fuzz.make_seeds import FOLDER, made
from callboard.tests.fuzz.rounds import BETWEEN_TWO, rounds
from callboard.tests.fuzz.run import fuzz
from callboard.tests.fuzz.stanzas import SEEDS
from callboard.tests.fuzz.targets import feed, read_aside, translate
from callboard.tests.jingle.replay import session_for


@pytest.mark.parametrize(("name", "number"), rounds(lambda name: name not in BETWEEN_TWO))
def test_a_property(name: str, number: int) -> None:
    fuzz([name], 0, number)


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed(name: str) -> None:
    seed = SEEDS[name]
    feed(session_for(Role.RESPONDER, seed.get("sid", "s")), seed)
    for role in Role:
        translate(seed, role, answering=role is Role.RESPONDER)
    read_aside(seed)


def test_the_seeds_are_what_we_say() -> None:
    assert {path.stem for path in FOLDER.glob("*.xml")} == made().keys()
