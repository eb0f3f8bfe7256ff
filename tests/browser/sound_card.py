"""A sound card that nobody hears: without any, Firefox plays and analyses nothing."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

#: Seconds that it may take to begin, and to end.
PATIENCE = 20.0


def find_pulseaudio() -> str | None:
    """Return the program, None where there is none."""
    return shutil.which("pulseaudio")


@contextmanager
def sound_card(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """Run PulseAudio with a null sink; give what PULSE_SERVER is to be.

    Args:
        folder: where its socket is.
        environ: its environment.
    """
    socket = folder / "sound"  # not "pulse": clients have a folder of that name
    process = subprocess.Popen(
        [
            *("pulseaudio", "--daemonize=no", "-n", "--use-pid-file=no", "--disable-shm=yes"),
            *("--exit-idle-time=-1", "--load=module-null-sink"),
            f"--load=module-native-protocol-unix auth-anonymous=1 socket={socket}",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environ,
    )
    try:
        end = time.monotonic() + PATIENCE
        while not socket.exists():
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("pulseaudio does not start")
            time.sleep(0.02)
        yield f"unix:{socket}"
    finally:
        process.terminate()
        process.wait(PATIENCE)
