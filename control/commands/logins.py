"""``login`` and ``logout``: accounts of the file."""

from ...actors.messages.exchange import AddAccount, ChangeAccount, FindAccount, RemoveAccount
from ...config.jid import bare
from ..instance.instance import Instance
from ..instance.overview import OFF
from ..models.logins import LoginCommand, LoginResult, LogoutCommand
from ..problem import ControlError, ProblemKind
from .finding import HANDLED, find_account, known_account
from .handler import Handler, Tell
from .refusals import refusing


async def _login(command: LoginCommand, instance: Instance, tell: Tell) -> LoginResult:
    jid = known_account(instance, command.account)
    settings = next((one for one in instance.settings.accounts if bare(one.jid) == jid), None)
    if settings is None:
        raise ControlError(ProblemKind.UNKNOWN_ACCOUNT, f"the file does not declare {jid} any more")
    state = instance.overview.state_of(jid)
    if state not in OFF:
        raise ControlError(ProblemKind.NOT_POSSIBLE, f"{jid} is {state} already")
    exchange = instance.exchange
    with refusing():
        if await exchange.request(FindAccount(jid), timeout=HANDLED) is None:
            await exchange.request(AddAccount(settings), timeout=HANDLED)
        else:
            await exchange.request(ChangeAccount(settings, 0.0, returns=True), timeout=HANDLED)
    return LoginResult(account=jid)


async def _logout(command: LogoutCommand, instance: Instance, tell: Tell) -> LoginResult:
    jid = known_account(instance, command.account)
    if instance.overview.state_of(jid) == "closed":
        raise ControlError(ProblemKind.NOT_POSSIBLE, f"{jid} is logged out already")
    await find_account(instance, jid)
    seconds = instance.settings.drain if command.seconds is None else command.seconds
    with refusing():
        await instance.exchange.request(
            RemoveAccount(jid, seconds, may_return=True), timeout=HANDLED
        )
    return LoginResult(account=jid)


LOGIN = Handler(LoginCommand, _login)
LOGOUT = Handler(LogoutCommand, _logout)
