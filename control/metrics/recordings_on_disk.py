"""How many recordings are on the disk, and how large they are."""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ...media.recording.part_file import PART

#: What recordings are called at the end, without `PART`.
SUFFIXES = (".mkv", ".mka", ".ogg", ".wav")
#: Seconds between two looks, at the least.
EVERY = 30.0
#: How often the time that a look took goes by before the next one: it may take 1 % of a core.
REST = 100.0
#: Seconds in which the thread must have ended.
CLOSING = 3.0


class RecordingsOnDisk(Collector):
    """Counts the files of a folder again and again, in a thread of its own.

    Args:
        registry: where the metrics belong.
        folder: of the recordings; it may be missing.
        every: seconds between two looks, at the least.
    """

    def __init__(self, registry: CollectorRegistry, folder: Path, every: float = EVERY) -> None:
        self._folder = folder
        self._every = every
        self._over = threading.Event()
        self._found: tuple[Counter[str], Counter[str], int | None] | None = None
        self._thread = threading.Thread(target=self._run, name="count of recordings", daemon=True)
        registry.register(self)
        self._thread.start()

    def close(self) -> None:
        """End the thread. Blocks for a moment."""
        self._over.set()
        self._thread.join(CLOSING)

    def _run(self) -> None:
        took = 0.0
        while not self._over.wait(max(self._every, REST * took) if self._found else 0):
            began = time.monotonic()
            self._count()
            took = time.monotonic() - began

    def _count(self) -> None:
        files: Counter[str] = Counter()
        octets: Counter[str] = Counter()
        free = None
        try:
            place = os.statvfs(self._folder)
            free = place.f_bavail * place.f_frsize
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if self._over.is_set():
                        return
                    state = "unfinished" if entry.name.endswith(PART) else "whole"
                    if entry.name.removesuffix(PART).endswith(SUFFIXES):
                        try:
                            size = entry.stat(follow_symlinks=False).st_size
                        except OSError:  # gone meanwhile
                            continue
                        files[state] += 1
                        octets[state] += size
        except OSError:  # no recording was ever made, or nobody may look
            pass
        self._found = files, octets, free

    def collect(self) -> Iterator[Metric]:
        """Give what was found last; called by the server's thread."""
        if self._found is None:
            return
        files, octets, free = self._found
        count = GaugeMetricFamily(
            "callboard_recording_files", "Files of recordings on the disk.", labels=["state"]
        )
        size = GaugeMetricFamily(
            "callboard_recording_bytes", "Size of recordings on the disk.", labels=["state"]
        )
        for state in ("whole", "unfinished"):
            count.add_metric([state], files[state])
            size.add_metric([state], octets[state])
        yield count
        yield size
        if free is not None:
            yield GaugeMetricFamily(
                "callboard_recording_free_bytes",
                "What is free on the disk of the recordings.",
                value=free,
            )
