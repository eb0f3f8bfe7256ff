"""What all commands and answers have in common."""

from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

#: Events that are kept to be told to who comes later.
MOST_KEPT = 1_000


class Result(BaseModel):
    """What comes back: a command's result, or a part of one.

    A client ignores what it does not know, so that fields may be added.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


A_co = TypeVar("A_co", bound=Result, covariant=True)


class Command(BaseModel, Generic[A_co]):
    """What is asked of a running instance; the parameter is the type of its result.

    Attributes:
        name: what it is called on the wire.
        result: the class of its result.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        use_enum_values=True,
        defer_build=True,
    )

    name: ClassVar[str]
    result: ClassVar[type[Result]]

    if not TYPE_CHECKING:

        def __class_getitem__(cls, _: type[Result]) -> type["Command"]:
            """Return the class itself: pydantic would make another one, with the same fields."""
            return cls
