"""What is played for a peer, and what goes out in its place."""

from collections.abc import Awaitable, Callable

from ...frames.frame import Kind
from ...sources.playback import Playback
from ...sources.silence import Silence
from ...sources.source import Source


class Program:
    """The source that is played; and while it is muted or held, or at its end, something else.

    Attributes:
        held: Whether something goes out in its place, since the peer is on hold.
        kind: "audio" or "video".
        muted: Whether silence or black goes out instead of anything.
        playback: What is played.
    """

    def __init__(self, kind: Kind, source: Source, on_over: Callable[[Playback], None]) -> None:
        """Name what is to be played first.

        Args:
            kind: "audio" or "video".
            source: What to play.
            on_over: Called when something is not played any more, for whatever reason.

        Raises:
            SourceError: The source has no such kind.
        """
        self.held = False
        self.kind: Kind = kind
        self.muted = False
        self.playback = Playback(kind, source, on_over)
        self._codec = ""
        self._idle: Playback | None = None
        self._music: Playback | None = None
        self._on_over = on_over

    @property
    def current(self) -> Playback:
        """What goes out now: of it the next frame is read."""
        wanted = self._music if self.held else self.playback
        if not self.muted and wanted is not None and not wanted.is_over:
            return wanted
        if self._idle is None:
            self._idle = Playback(self.kind, Silence())
            self._idle.prepare(self._codec)
        return self._idle

    def is_dark(self, playback: Playback) -> bool:
        """Tell whether a playback is that of silence or black, in the place of what is muted."""
        return self.muted and playback is self._idle

    def prepare(self, codec: str) -> None:
        """Have the beginning encoded.

        Args:
            codec: The RTP encoding name that was negotiated.
        """
        self._codec = codec
        for playback in (self.playback, self._music):
            if playback is not None:
                playback.prepare(codec)

    def play(self, source: Source) -> Playback:
        """Play something else.

        Args:
            source: What to play from its beginning.

        Raises:
            SourceError: The source has no such kind.
        """
        playback = self._make(source)
        self.playback.stop()
        self.playback = playback
        return playback

    def hold(self, held: bool, music: Source | None) -> None:
        """Let something go out in the place of what is played.

        Args:
            held: Whether to; a second time changes what goes out.
            music: What goes out; None: silence or black.

        Raises:
            ValueError: The music has no media of this kind, or is another leg's.
        """
        playback = None
        if held and music is not None:
            playback = self._make(music)
            if playback.forwards:
                raise ValueError(f"{music} can't be played to who is on hold: play a source.")
        before, self._music = self._music, playback
        if before is not None:
            before.stop()
        self.held = held

    def close(self, last_words: Callable[[], Awaitable[str]] | None) -> None:
        """Play nothing more.

        Args:
            last_words: If the whole call is over, returns a sentence about that, which live
                sources tell who writes.
        """
        for playback in (self.playback, self._music, self._idle):
            if playback is not None:
                if last_words is not None:
                    playback.source.call_over(last_words)
                playback.stop()

    def _make(self, source: Source) -> Playback:
        playback = Playback(self.kind, source, self._on_over)
        if self._codec:
            playback.prepare(self._codec)
        return playback
