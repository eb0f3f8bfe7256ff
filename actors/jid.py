"""JIDs as text (RFC 7622)."""


def bare(jid: str) -> str:
    """Return the JID without its resource, in lower case, as servers compare it."""
    return jid.partition("/")[0].lower()


def is_full(jid: str) -> bool:
    """Tell whether the JID has a resource."""
    return "/" in jid
