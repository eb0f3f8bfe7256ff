"""Speech made by espeak-ng, a synthesizer that runs as a child process. Blocking; uses no loop."""

import re
import shutil
import subprocess
import tempfile
import threading
from functools import cache
from typing import IO, Any, Self

import av
import numpy as np

from ..errors import SourceError

PROGRAM = "espeak-ng"

LONGEST = 10_000
"""Characters of one text."""

RATES = (80, 450)
"""The slowest and the fastest speech, in words a minute."""

_CHUNK = 16 * 1024
_HEADER = 44
"""Octets of the WAV header that it writes."""

_FAREWELL = 5.0
"""Seconds in which it must end once it has written everything, or was killed."""

_VOICE = re.compile(r"[A-Za-z0-9]+(?:[-_+/][A-Za-z0-9]+)*", re.ASCII)


def check_text(text: str) -> None:
    """Check what is to be said.

    Args:
        text: Any text.

    Raises:
        ValueError: There is nothing to say, or too much, or it has a NUL in it.
    """
    if not text.strip():
        raise ValueError("text is empty: give something to say")
    if len(text) > LONGEST:
        raise ValueError(f"text has {len(text):,} characters: give at most {LONGEST:,} at a time")
    if "\0" in text:
        raise ValueError("text has a NUL in it: leave it out")


def check_voice(voice: str) -> None:
    """Check the name of a voice, so that it is nothing else than a name.

    Args:
        voice: As `espeak-ng --voices` has it.

    Raises:
        ValueError: It is no such name.
    """
    if len(voice) > 64 or not _VOICE.fullmatch(voice):
        raise ValueError(f"voice is {voice!r}: give a name from 'espeak-ng --voices', like en-us")


def check_rate(rate: int) -> None:
    """Check how fast something is said.

    Args:
        rate: Words a minute.

    Raises:
        ValueError: It is out of range.
    """
    slowest, fastest = RATES
    if not slowest <= rate <= fastest:
        raise ValueError(f"rate is {rate}: give {slowest} to {fastest} words a minute")


def check_installed(voice: str | None = None) -> None:
    """Look for the program, and for a voice of it.

    Args:
        voice: The voice's name; None: its usual one.

    Raises:
        SourceError: It is not there.
    """
    program = shutil.which(PROGRAM)
    if program is None:
        raise SourceError(
            f"{PROGRAM} is not installed: install it (the package has the same name), or give a "
            "synthesizer of your own."
        )
    if voice is not None and not _has_voice(program, voice):
        raise SourceError(
            f"{PROGRAM} has no voice {voice!r}: give a name from '{PROGRAM} --voices', like en-us."
        )


def _has_voice(program: str, voice: str) -> bool:
    """Tell whether the program has a voice, or one for its language.

    The program itself takes ``elvish`` for ``el``, which is Greek.
    """
    name = voice.partition("+")[0].casefold()
    return not {name, re.split("[-_]", name)[0]}.isdisjoint(_voices(program))


@cache
def _voices(program: str) -> frozenset[str]:
    """Return the names that the program's voices go by: languages, own names and files."""
    found: set[str] = set()
    for wanted in ("--voices", "--voices=mb"):
        said = subprocess.run(  # noqa: S603 -- two words of ours
            [program, wanted],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_FAREWELL,
            check=False,
        )
        for line in said.stdout.splitlines()[1:]:
            columns = line.casefold().split(maxsplit=5)
            if len(columns) >= 5:
                _, language, _, named, file, *others = columns
                found |= {language, named, file, file.rpartition("/")[2]}
                found |= set(re.findall(r"\(([^ )]+) ", "".join(others)))
    return frozenset(found)


class EspeakSpeech:
    """The sound of one text, as it is synthesized. `close` may be called from any thread."""

    def __init__(self, text: str, voice: str | None = None, rate: int | None = None) -> None:
        """Prepare it; the child process starts when the first sound is wanted.

        Args:
            text: What to say.
            voice: A name from `espeak-ng --voices`; None: its usual one.
            rate: Words a minute; None: its usual 175.
        """
        self._text = text
        # The text goes in by stdin, where nothing can be taken for an option.
        self._command = [PROGRAM, "--stdin", "--stdout", "-b", "1"]
        if voice is not None:
            self._command += ["-v", voice]
        if rate is not None:
            self._command += ["-s", str(rate)]
        self._closed = False
        self._errors: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._rate = 0
        self._rest = b""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> av.AudioFrame:
        """Return what follows, as soon as there is some.

        Raises:
            SourceError: The program is not there, failed, or gave no sound.
        """
        process = self._process or self._start()
        assert process.stdout is not None  # noqa: S101 -- it has a pipe
        data = self._rest
        while len(data) < (2 if self._rate else _HEADER):
            more = process.stdout.read1(_CHUNK)  # type: ignore[attr-defined] # a BufferedReader
            if not more:
                self._finish(process)
                raise StopIteration
            data += more
        if not self._rate:
            data = self._read_header(data)
        whole = len(data) // 2 * 2
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").astype(np.int16)
        if not len(samples):
            return next(self)
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.sample_rate = self._rate
        return frame

    def close(self) -> None:
        """Stop the child process, if it runs, without waiting for it; see `reap`."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def reap(self) -> None:
        """Wait for the end of a process that was stopped, and free what it takes."""
        process = self._process
        if process is None:
            return
        process.wait(_FAREWELL)
        if process.stdout is not None:
            process.stdout.close()
        if self._errors is not None:
            self._errors.close()

    def _start(self) -> "subprocess.Popen[bytes]":
        check_installed()
        with self._lock:
            if self._closed:
                raise SourceError("It is not said any more.")
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed when it is reaped
            process = subprocess.Popen(  # noqa: S603 -- checked; the text is no argument
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # or Ctrl-C would end it before us
            )
            self._process = process
        assert process.stdin is not None  # noqa: S101 -- it has a pipe
        try:
            process.stdin.write(self._text.encode("utf-8", "replace"))
            process.stdin.close()
        except BrokenPipeError:  # its status says why
            pass
        return process

    def _read_header(self, data: bytes) -> bytes:
        channels = int.from_bytes(data[22:24], "little")
        if data[:4] != b"RIFF" or channels != 1:
            raise SourceError(f"{PROGRAM} gave something else than sound of one channel.")
        self._rate = int.from_bytes(data[24:28], "little")
        return data[_HEADER:]

    def _finish(self, process: "subprocess.Popen[bytes]") -> None:
        try:
            status: Any = process.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            process.kill()
            status = "none"
        if status == 0 or self._closed:
            return
        words = ""
        if self._errors is not None:
            self._errors.seek(0)
            words = " ".join(self._errors.read(300).decode("utf-8", "replace").split())
        raise SourceError(
            f"{PROGRAM} failed with status {status}: {words or 'it does not say why'}"
        )
