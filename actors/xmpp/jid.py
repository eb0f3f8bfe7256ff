"""JIDs as text, in the one form in which they are compared (RFC 7622)."""

from ...config.jid import normal_jid


def comparable(jid: str) -> str:
    """Return the form in which a JID is compared; what is none stays as it is."""
    try:
        return normal_jid(jid)
    except ValueError:
        return jid


def bare(jid: str) -> str:
    """Return the JID without its resource, in the form in which it is compared."""
    return comparable(jid).partition("/")[0]


def is_full(jid: str) -> bool:
    """Tell whether the JID has a resource."""
    return "/" in jid
