"""What a visitor of the board may do."""

from enum import IntEnum


class VisitorRole(IntEnum):
    """The roles; each may do what those before it may."""

    VIEW = 1
    LISTEN = 2
    CONTROL = 3
    TALK = 4

    @classmethod
    def named(cls, name: str) -> "VisitorRole":
        """Return the role that the configuration file has by this name."""
        return cls[name.upper()]

    @property
    def word(self) -> str:
        """Its name in the configuration file, and in answers."""
        return self.name.lower()
