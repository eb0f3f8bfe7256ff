"""Accounts that log in and out while the instance runs."""

from typing import Annotated, ClassVar

from pydantic import Field

from .base import Command, Result
from .calls import Name


class LoginResult(Result):
    """An account logs in, or out."""

    account: str


class LoginCommand(Command[LoginResult]):
    """Let an account log in that has logged out, or has given up; events tell what comes of it.

    Attributes:
        account: the account; the file must declare it.
    """

    name: ClassVar[str] = "login"
    result = LoginResult

    account: Name


class LogoutCommand(Command[LoginResult]):
    """Let an account log out, when its calls have ended.

    Attributes:
        account: the account.
        seconds: how long running calls may go on; None: as long as at the end of the instance.
    """

    name: ClassVar[str] = "logout"
    result = LoginResult

    account: Name
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = None
