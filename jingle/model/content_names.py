"""Names of contents in Jingle and mids in SDP, which have different alphabets.

A mid is a token (RFC 5888 §4). A content's name is any text, but Conversations refuses names with
blanks or more than 16 characters. So we choose short names, and percent-encode a peer's name into
the mid, so that it comes back unchanged.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote

_MID_SAFE = re.compile(r"[!#$&'*+\-.0-9A-Z^_`a-z{|}~]")  # RFC 8866 §9, token, without "%"
_NAME_SAFE = re.compile(r"[!-~]{1,16}")


def to_mid(name: str) -> str:
    """Return the mid for a content that a peer named: what no token may hold is percent-encoded."""
    return "".join(
        char if _MID_SAFE.match(char) else "".join(f"%{byte:02X}" for byte in char.encode())
        for char in name
    )


def to_name(mid: str) -> str:
    """Return the name that the peer gave the content whose mid `to_mid` made."""
    return unquote(mid)


def names_of(mids: Iterable[str]) -> dict[str, str]:
    """Names for the contents of our own offer: at most 16 visible characters, no two alike.

    Args:
        mids: Of the offer, in order.

    Returns:
        The name for each mid; most often the mid itself.
    """
    mids = list(mids)
    names: dict[str, str] = {}
    taken = {mid for mid in mids if _NAME_SAFE.fullmatch(mid)}
    for index, mid in enumerate(mids):
        if mid in taken:
            names[mid] = mid
            continue
        name = f"content-{index}"
        while name in taken:
            name += "_"
        taken.add(name)
        names[mid] = name
    return names
