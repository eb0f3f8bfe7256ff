"""Frames of video that go together."""

from typing import Literal

from .frame_batch import FrameBatch


class PictureBatch(FrameBatch):
    """Frames of video, of which `keyframes` tells at which a decoder can start."""

    __slots__ = ()

    kind: Literal["video"] = "video"
