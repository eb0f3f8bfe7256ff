"""One side of a recording in a file of its own, as browsers play it."""

from pathlib import Path
from typing import BinaryIO, Literal

import av

from ..errors import MediaError

#: What WebM may hold (RFC 9559 leaves it to the profile; webmproject.org names these).
WEBM = frozenset({"vp8", "vp9", "av1", "opus", "vorbis"})
#: What MP4 holds that browsers play.
MP4 = frozenset({"h264", "opus", "aac", "av1", "vp9"})


class NotPlayableError(MediaError):
    """Browsers can't play what is in a recording; the message says what."""


def one_side(file: Path, direction: Literal["sent", "received"], out: BinaryIO) -> str:
    """Copy the tracks of one direction, without transcoding. It blocks.

    Args:
        file: a recording of a call.
        direction: whose sound and pictures.
        out: a file that can be sought in.

    Returns:
        The media type of what was written.

    Raises:
        NotPlayableError: there is nothing of this direction, or nothing that browsers play.
        OSError: the file can't be read.
    """
    try:
        with av.open(str(file)) as source:
            wanted = [one for one in source.streams if direction in one.metadata.get("title", "")]
            codecs = {one.codec_context.name for one in wanted}
            container = _container(codecs)
            with av.open(out, "w", format=container) as target:
                copies = {
                    one.index: target.add_stream_from_template(one, opaque=True) for one in wanted
                }
                for packet in source.demux(wanted):
                    if packet.dts is None:
                        continue
                    packet.stream = copies[packet.stream.index]
                    target.mux(packet)
    except av.FFmpegError as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise NotPlayableError(f"{file.name} can't be read: {error.strerror}") from None
    has_pictures = bool(codecs & {"vp8", "vp9", "av1", "h264"})
    return f"{'video' if has_pictures else 'audio'}/{container}"


def _container(codecs: set[str]) -> Literal["webm", "mp4"]:
    if not codecs:
        raise NotPlayableError("the recording has no such side")
    if codecs <= WEBM:
        return "webm"
    if codecs <= MP4:
        return "mp4"
    names = ", ".join(sorted(codecs))
    raise NotPlayableError(f"browsers can't play {names} in one file: download the recording")
