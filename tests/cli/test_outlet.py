"""What stands between the program and a standard stream."""

import os
import threading
import time
from collections.abc import Iterator

import pytest
from callboard.cli.views import standard_streams as module
from callboard.cli.views.standard_streams import Outlet


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def test_who_reads_slowly_holds_nobody_up(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIMIT", 200_000)
    reader, writer = pipe
    told: list[str] = []
    outlet = Outlet(writer, "here", "utf-8", told.append)
    for number in range(20_000):
        outlet.write(f"line {number:08d}\n")
    outlet.drain(0.01)
    read = bytearray()

    def read_all() -> None:
        while not read.endswith(b"end\n"):
            read.extend(os.read(reader, 65536))

    thread = threading.Thread(target=read_all)
    thread.start()
    deadline = time.monotonic() + 30
    while not told and time.monotonic() < deadline:
        outlet.drain(1)
    outlet.write("end\n")
    thread.join(30)
    outlet.stop()
    lines = read.decode().splitlines()
    assert lines[:3] == ["line 00000000", "line 00000001", "line 00000002"]
    (sentence,) = told
    missed = 20_001 - len(lines)
    assert sentence == (
        f"callboard: {missed} lines were not written to here: its reader is too slow\n"
    )


def test_what_an_encoding_lacks_is_escaped(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    outlet = Outlet(writer, "here", "ascii", lambda _: None)
    with pytest.raises(TypeError):
        outlet.write(b"")  # type: ignore[arg-type]
    print("desk ← Zoë", file=outlet)
    outlet.stop()
    assert os.read(reader, 100) == b"desk \\u2190 Zo\\xeb\n"
