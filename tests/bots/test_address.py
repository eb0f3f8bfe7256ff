"""Addresses are text that knows its parts."""

from pathlib import Path

import pytest
from callboard.bots import Address, Bot, Options


@pytest.mark.parametrize(
    ("text", "bare", "local", "domain", "resource"),
    [
        ("alice@localhost/phone", "alice@localhost", "alice", "localhost", "phone"),
        ("alice@localhost", "alice@localhost", "alice", "localhost", ""),
        ("localhost", "localhost", "", "localhost", ""),
        ("localhost/a@b/c", "localhost", "", "localhost", "a@b/c"),
        ("a@b.example/c@d/e", "a@b.example", "a", "b.example", "c@d/e"),
        ("ä@[::1]/ü", "ä@[::1]", "ä", "[::1]", "ü"),
    ],
)
def test_an_address_knows_its_parts(
    text: str, bare: str, local: str, domain: str, resource: str
) -> None:
    address = Address(text)
    assert address == text
    assert hash(address) == hash(text)
    assert (address.bare, address.local) == (bare, local)
    assert (address.domain, address.resource) == (domain, resource)
    assert address.bare.bare == bare


def test_a_bot_knows_its_own_address_and_those_of_its_options(tmp_path: Path) -> None:
    bot = Bot(None, "desk@localhost", {}, tmp_path)
    assert bot.account.local == "desk"
    options = Options({"to": "Alice@localhost/Phone"}, tmp_path)
    assert [each.bare for each in options.addresses("to", [])] == ["alice@localhost"]
