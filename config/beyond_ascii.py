"""How addresses beyond ASCII are mapped; it is read when one comes, as its libraries take 5 ms."""

import idna
from precis_i18n import get_profile

_USERNAME = get_profile("UsernameCaseMapped")
_OPAQUE = get_profile("OpaqueString")


def mapped_user(local: str) -> str:
    """Return a localpart as RFC 7622 §3.3 has it compared.

    Raises:
        UnicodeEncodeError: It is none; says what of it.
    """
    return str(_USERNAME.enforce(local))


def mapped_resource(resource: str) -> str:
    """Return a resourcepart as RFC 7622 §3.4 has it compared.

    Raises:
        UnicodeEncodeError: It is none; says what of it.
    """
    return str(_OPAQUE.enforce(resource))


def mapped_domain(domain: str) -> str:
    """Return a domain as it is before its labels are read (UTS #46).

    Raises:
        ValueError: It is none.
    """
    return idna.uts46_remap(domain, std3_rules=False)


def mapped_label(label: str) -> str:
    """Return the U-label of a label (RFC 5890 §2.3.2.1).

    Raises:
        ValueError: It is none; of ``xn--`` alone, `IndexError`.
    """
    unicode = idna.ulabel(label)
    idna.alabel(unicode)  # which is short enough, and leads back
    return unicode
