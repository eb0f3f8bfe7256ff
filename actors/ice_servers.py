"""The STUN and TURN servers that the calls of one account may use (XEP-0215)."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

from msgspec import Struct

from ..config.jid import bare
from ..jingle.model.replace import replace
from ..media import Network
from .context import Context
from .login_session import LoginSession
from .messages.account import AccountMessage, LookForServices
from .runtime.actor import AsyncioActor, handles
from .xmpp.external_services import Services
from .xmpp.safe_reader import Reader


class ServicesAsked(Struct, frozen=True):
    """What an answer of the server's is recognised by.

    Attributes:
        look: the look that the request belongs to.
        is_list: whether it asked for all services, and not for the credentials of one.
    """

    look: int
    is_list: bool


class IceServers:
    """The declared servers and those that the account's own server offers, a part of its actor.

    Args:
        account: the actor that this is a part of.
        session: asks the server.
        context: what the account works with.
        reader: reads the answers.
        changed: called when others are found.

    Attributes:
        network: what calls may use.
    """

    __slots__ = (
        "_account",
        "_changed",
        "_declared",
        "_found",
        "_is_wanted",
        "_looks",
        "_reader",
        "_session",
        "network",
    )

    def __init__(
        self,
        account: AsyncioActor[AccountMessage],
        session: LoginSession,
        context: Context,
        reader: Reader,
        changed: Callable[[], None],
    ) -> None:
        self.network: Network = replace(context.network, account=bare(context.settings.jid))
        self._account = account
        self._session = session
        self._declared = context.network.ice_servers
        self._is_wanted = context.use_services
        self._reader = reader
        self._changed = changed
        self._looks = 0
        self._found: Services | None = None

    def look(self) -> None:
        """Ask the server of a new session, where the settings want that."""
        if self._is_wanted:
            self._look(LookForServices(self._session.attempt))

    @handles(LookForServices)
    def _look(self, message: LookForServices) -> None:
        if self._session.is_current(message.attempt):
            self._looks += 1
            self._found = Services(self._reader)
            self._ask(Services.ask(), is_list=True)

    def _ask(self, payload: Element, *, is_list: bool) -> None:
        domain = self._session.account_jid.rpartition("@")[2]
        self._session.request(domain, "get", payload, ServicesAsked(self._looks, is_list))

    def answered(self, asked: ServicesAsked, iq: Element | None) -> None:
        """Take an answer; one to an earlier look is out of date.

        Args:
            asked: what it answers.
            iq: the answer; None if there was none.
        """
        if asked.look != self._looks or self._found is None:
            return
        if asked.is_list:
            for payload in self._found.listed(iq):
                self._ask(payload, is_list=False)
        else:
            self._found.admitted(iq)
        if self._found.is_complete:
            servers = (*self._declared, *self._found.ice_servers())
            self.network = replace(self.network, ice_servers=servers)
            self._changed()
            again = LookForServices(self._session.attempt)
            self._account.after(self._found.until_again(), again)
            self._found = None
