"""What both sides of a phase's calls send."""

from pathlib import Path

from ...bots.source import find_source
from ...media import Kind, LiveSource, Source
from ..plan.phase import CallPhase
from .participant import Sources


async def find_sources(phase: CallPhase, folder: Path) -> Sources:
    """Find what a phase names, without blocking the loop.

    Args:
        phase: the phase.
        folder: where a relative path begins.

    Raises:
        SourceError: it can't be played any more.
    """
    return Sources(
        await _find(phase.audio, folder, "audio", loop=phase.loop),
        await _find(phase.video, folder, "video", loop=phase.loop),
    )


async def _find(name: str, folder: Path, kind: Kind, *, loop: bool) -> Source | None:
    found = await find_source(name, folder, kind)
    if found is None or found.repeats or isinstance(found, LiveSource) or not loop:
        return found
    return await find_source(name, folder, kind, times=None)
