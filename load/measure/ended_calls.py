"""``calls.csv``: a row for each side of each call and kind of media."""

import csv
import heapq
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ...media import MediaStatistics
from .call_side import CallSide

WORST = 15
"""How many legs are kept for the report."""
COLUMNS = (
    "call", "phase", "side", "account", "peer", "state", "reason", "text", "started",
    "setup_s", "held_s", "media", "codec", "sent", "received", "lost", "reordered",
    "jitter_ms", "rtt_ms", "mos", "freezes", "frozen_ms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReceivedMedia:
    """What one side of a call received of one kind of media, and how well.

    Attributes:
        side: the side of the call.
        media: what was counted.
    """

    side: CallSide
    media: MediaStatistics

    @property
    def loss(self) -> float:
        """Percent of the packets that did not arrive; 100 where nothing came."""
        expected = self.media.received + self.media.lost
        return 100 * self.media.lost / expected if expected else 100.0

    @property
    def score(self) -> float:
        """How well it came through, from 1 to 4.5: the MOS; for video what came, and moved."""
        if self.media.mos is not None:
            return self.media.mos
        return 1 + 3.5 * (1 - max(self.loss, self.frozen) / 100)

    @property
    def frozen(self) -> float:
        """Percent of the time in which received video stood still."""
        seconds = self.side.seconds
        return min(100.0, self.media.frozen_ms / 10 / seconds) if seconds > 0 else 0.0


class EndedCalls:
    """The calls that have ended: all as text, compressed, and the worst as they are.

    Args:
        titles: of the plan's phases.
    """

    def __init__(self, titles: Sequence[str] = ()) -> None:
        self._titles = titles
        self._count = 0
        self._worst: list[tuple[float, int, ReceivedMedia]] = []
        self._text = io.StringIO(newline="")
        self._rows = csv.writer(self._text)
        self._packer = zlib.compressobj()
        self._packed: list[bytes] = []

    def add(self, side: CallSide) -> None:
        """Take one side of a call that has ended."""
        phase = "" if side.phase is None else self._titles[side.phase]
        started = datetime.fromtimestamp(side.started, UTC).isoformat(timespec="milliseconds")
        common = (
            side.call, phase, side.role, side.account, side.peer, side.state, side.reason,
            side.text, started.replace("+00:00", "Z"), _shown(side.setup), _shown(side.seconds),
        )  # fmt: skip
        for one in side.media:
            self._rows.writerow(
                (*common, one.kind, one.codec, one.sent, one.received, one.lost, one.reordered,
                 _shown(one.jitter_ms), _shown(one.rtt_ms), _shown(one.mos), one.freezes,
                 _shown(one.frozen_ms))
            )  # fmt: skip
            self._weigh(ReceivedMedia(side, one))
        if not side.media:
            self._rows.writerow((*common, *("" for _ in COLUMNS[len(common) :])))
        self._packed.append(self._packer.compress(self._text.getvalue().encode()))
        self._text.seek(0)
        self._text.truncate()

    def worst(self) -> Sequence[ReceivedMedia]:
        """Return the legs that came through worst, the worst first."""
        return [leg for _, _, leg in sorted(self._worst, key=lambda one: -one[0])]

    def csv(self) -> Iterator[bytes]:
        """Give the whole as CSV (RFC 4180), in parts: a header, and a row for each leg."""
        head = io.StringIO(newline="")
        csv.writer(head).writerow(COLUMNS)
        yield head.getvalue().encode()
        unpacker = zlib.decompressobj()
        # What is still in the packer comes from a copy, so that more may be added.
        for part in (*self._packed, self._packer.copy().flush()):
            yield unpacker.decompress(part)

    def _weigh(self, leg: ReceivedMedia) -> None:
        self._count += 1
        if leg.side.seconds > 0:
            heap, entry = self._worst, (-leg.score, self._count, leg)
            if len(heap) < WORST:
                heapq.heappush(heap, entry)
            else:
                heapq.heappushpop(heap, entry)


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".rstrip("0").rstrip(".")
