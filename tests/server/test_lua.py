"""What we write, Lua reads as it was meant."""

import shutil
import subprocess

import pytest
from callboard.server.account import account_file, account_name
from callboard.server.lua import to_lua

LUA = shutil.which("lua5.4") or shutil.which("lua")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (-5, "-5"),
        ("plain text", '"plain text"'),
        ('"\\\n\0', r'"\034\092\010\000"'),
        ("é9", r'"\195\1699"'),
        ((), "{ }"),
        (["a", 1], '{ "a"; 1; }'),
        ({"a": {"b": False}}, '{ ["a"] = { ["b"] = false; }; }'),
    ],
)
def test_values(value: object, text: str) -> None:
    assert to_lua(value) == text


def test_nothing_else() -> None:
    with pytest.raises(TypeError, match="float has no place"):
        to_lua(1.5)


@pytest.mark.skipif(LUA is None, reason="lua is not installed")
def test_lua_agrees() -> None:
    text = "".join(map(chr, range(0x250))) + "]]--\u20ac\U0001f600"
    assert LUA is not None
    done = subprocess.run(
        [LUA, "-"], input=f"io.write({to_lua(text)})".encode(), capture_output=True, check=True
    )
    assert done.stdout.decode() == text


def test_names_as_prosody_writes_them() -> None:
    assert account_file("load-0001") == "load%2d0001.dat"
    assert account_file(account_name("Ü_1")) == "%c3%bc%5f1.dat"
