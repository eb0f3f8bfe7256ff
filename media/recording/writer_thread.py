"""The one thread that does the file work for all recordings of a process."""

import logging
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .part_file import TIME, stem

if TYPE_CHECKING:
    from .recording_file import RecordingFile

log = logging.getLogger(__name__)


class Writer:
    """Runs jobs one after the other on its own thread, which starts with the first job.

    Give the same writer to all recordings. `close` ends the thread; so does leaving the context.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._files: set[RecordingFile] = set()
        self._places: tuple[str, set[Path]] = ("", set())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def place(self, folder: Path, name: str) -> Path:
        """Choose where a recording goes, at once: the disk is not asked. Call it from any thread.

        Args:
            folder: Where the file goes.
            name: What to call it, such as the JIDs of the call; only its safe characters are used,
                after the time.

        Returns:
            A path without suffix, which this writer gives no other recording.
        """
        whole = stem(name, datetime.now(UTC))
        time = whole[:TIME]
        with self._lock:
            # A name begins with its second, so those of the seconds before can't come again.
            taken = self._places[1] if self._places[0] == time else set()
            self._places = (time, taken)
            numbered = (f"{whole}-{number}" if number > 1 else whole for number in count(1))
            place = next(path for each in numbered if (path := folder / each) not in taken)
            taken.add(place)
        return place

    def submit(self, job: Callable[[], object]) -> bool:
        """Run a job after all those submitted before it. Call it from any thread.

        Args:
            job: Called without arguments; what it raises is logged.

        Returns:
            Whether it will run; False once the writer is closed.
        """
        with self._lock:
            if self._closed:
                return False
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="recordings", daemon=True)
                self._thread.start()
            self._jobs.put(job)
            return True

    def adopt(self, file: "RecordingFile") -> None:
        """Finish a file when the writer is closed, unless it is released before."""
        self.submit(lambda: self._files.add(file))

    def release(self, file: "RecordingFile") -> None:
        """Forget a file. Call it only in a job."""
        self._files.discard(file)

    def close(self, timeout: float | None = None) -> None:
        """Run the remaining jobs, finish recordings that nobody closed, end the thread. Blocking.

        Args:
            timeout: Seconds that this may take. After that the thread is left to its slow disk.
        """
        with self._lock:
            self._closed = True
            thread = self._thread
            if thread is not None:
                self._jobs.put(None)
        if thread is not None:
            thread.join(timeout)
            if thread.is_alive():
                log.error("the disk did not take the recordings within %g s", timeout)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                log.exception("a job of the recordings' writer failed")
        for file in self._files:
            file.finish()
        self._files.clear()
