"""What can go wrong with media, for those who call into this package."""


class MediaError(Exception):
    """The base of all errors of this package."""


class MediaClosedError(MediaError):
    """The connection was closed before or while it was asked to do something."""


class DescriptionError(MediaError):
    """The peer's session description cannot be used; the message says why."""


class IncompatibleMediaError(DescriptionError):
    """The peer's session description has no codec in common with us."""


class NetworkError(MediaError):
    """A socket of a call could not be opened; the message says which config key to change."""


class DataChannelError(MediaError):
    """A message could not be sent over a data channel; the message says why."""


class SourceError(MediaError, ValueError):
    """A source can't be played; the message says why and what can be done."""
