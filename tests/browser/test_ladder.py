"""The picture of a ladder in a real browser: all its words are in it, and those on arrows fit."""

from dataclasses import replace
from pathlib import Path

from callboard.ladder.ladder import Rung
from callboard.ladder.svg import svg
from callboard.tests.browser.chromium import Chromium
from callboard.tests.conftest import Run
from callboard.tests.ladder.test_drawing import LADDER

#: The words that stick out of the picture, or of the ground that parts them from their arrow.
OUTSIDE = """(() => {
  const picture = document.querySelector("svg").getBoundingClientRect();
  const within = (one, other) => one.left >= other.left - 1 && one.right <= other.right + 1;
  return [...document.querySelectorAll("text")].filter(text => {
    const halo = text.previousElementSibling;
    const room = halo?.classList.contains("halo") ? halo.getBoundingClientRect() : picture;
    return !within(text.getBoundingClientRect(), room);
  }).map(text => text.textContent);
})()"""


def test_all_words_of_a_picture_are_within_it(
    run: Run, tmp_path: Path, browser: tuple[Chromium, Path]
) -> None:
    long = [Rung(99_999.123, "stanza", "in", "session-initiate " + "W" * 150, "<iq/>")]
    ladder = replace(LADDER, rungs=(*LADDER.rungs, *long), peer="b" * 90 + "@example.org/device")
    file = tmp_path / "ladder.html"
    file.write_text(f"<!doctype html><meta charset=utf-8>{svg(ladder)}", encoding="utf-8")

    async def main() -> None:
        async with browser[0].tab() as tab:
            await tab.open(file.as_uri())
            assert await tab.run(OUTSIDE) == []

    run(main)
