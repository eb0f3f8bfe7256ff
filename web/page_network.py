"""Where pages send and receive media."""

from ..config import Embedded, Settings
from ..config.metrics import LOOPBACK
from ..config.web import WebRelay, WebSettings
from ..media import Network


def page_network(web: WebSettings, settings: Settings) -> Network:
    """Return the addresses and ports for pages: no others are ever told to a browser.

    Where pages are on this machine, that is loopback by default. Firefox needs another address of
    the machine, so that one is added where the network can be kept from it.

    Args:
        web: the settings of the board.
        settings: those of everything.
    """
    media = settings.media
    addresses = web.media.addresses or media.addresses
    is_here = web.url is None and (web.address is None or web.address.is_loopback)
    is_default = web.media.addresses is None
    if is_default and (is_here or _is_embedded(addresses, settings)):
        addresses = (LOOPBACK,)
    return Network(
        addresses=addresses,
        ports=web.media.ports or media.ports,
        account="the board",
        within=is_default and is_here,
    )


def ice_servers(relay: WebRelay | None) -> dict[str, str]:
    """Return the header that names a relay to a page (RFC 9725 §4.6).

    Args:
        relay: the one in the settings; None: there is none.
    """
    if relay is None:
        return {}
    words = [f"<{relay.url}>", 'rel="ice-server"']
    if relay.user:
        secret = relay.password.get_secret_value()
        words += [f"username={_quoted(relay.user)}", f"credential={_quoted(secret)}"]
        words.append('credential-type="password"')
    return {"Link": "; ".join(words)}


def _is_embedded(addresses: tuple[str, ...] | None, settings: Settings) -> bool:
    """Tell whether calls are on loopback because the server is."""
    return addresses is None and isinstance(settings.server, Embedded)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(each for each in escaped if each.isprintable() and each.isascii()) + '"'
