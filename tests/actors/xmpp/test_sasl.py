import hashlib

import pytest
from callboard.actors.xmpp import sasl
from slixmpp.util.sasl import SASLCancelled
from slixmpp.util.sasl.client import MECH_SEC_SCORES, MECHANISMS


def mechanism(name: str) -> sasl.SCRAM:
    made = sasl.SCRAM.__new__(sasl.SCRAM)
    made.hash_name = name
    return made


def test_slixmpp_takes_our_mechanism_for_every_scram() -> None:
    ours = [name for name, made in MECHANISMS.items() if made is sasl.SCRAM]
    assert {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS"} <= set(ours)
    assert all(MECH_SEC_SCORES[name] >= 60 for name in ours)
    assert not [name for name in MECHANISMS if name.startswith("SCRAM") and name not in ours]


@pytest.mark.parametrize(
    ("name", "salted"),
    [
        # RFC 5802 §5 and RFC 7677 §3 have the exchanges that these belong to.
        ("SHA-1", ("QSXCR+Q6sek8bf92", 4096, "sha1")),
        ("SHA-256", ("W22ZaJ0SNY7soEsUEjb6gQ==", 4096, "sha256")),
    ],
)
def test_the_salted_password_is_that_of_the_rfc(name: str, salted: tuple[str, int, str]) -> None:
    salt, iterations, algorithm = salted
    expected = hashlib.pbkdf2_hmac(algorithm, b"pencil", salt.encode(), iterations)
    assert mechanism(name).Hi(b"pencil", salt.encode(), iterations) == expected
    assert mechanism(name).Hi("pencil", salt.encode(), iterations) == expected


@pytest.mark.parametrize("iterations", [0, -1, sasl.MAX_ITERATIONS + 1])
def test_an_absurd_count_of_iterations_is_refused(iterations: int) -> None:
    with pytest.raises(SASLCancelled):
        mechanism("SHA-1").Hi(b"pencil", b"salt", iterations)


def test_a_salted_password_is_remembered_for_reconnections() -> None:
    sasl.salted_password.cache_clear()
    for _ in range(3):
        mechanism("SHA-1").Hi(b"pencil", b"salt", 1000)
    assert sasl.salted_password.cache_info().hits == 2


@pytest.mark.parametrize(
    ("offered", "binding", "header"),
    [
        (["SCRAM-SHA-1"], b"", b"n,,"),
        (["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"], b"", b"n,,"),
        (["SCRAM-SHA-1"], b"tls", b"y,,"),
        (["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"], b"tls", b"p=tls-unique,,"),
    ],
)
def test_the_gs2_header_says_what_can_be_bound(
    offered: list[str], binding: bytes, header: bytes
) -> None:
    credentials = dict.fromkeys(("username", "password"), b"x")
    credentials |= {"authzid": b"", "channel_binding": binding}
    version = "TLSv1.2" if binding else "TLSv1.3"
    chosen = sasl.choose(offered, credentials, version)
    assert chosen is not None
    assert chosen.process().startswith(header)  # type: ignore[no-untyped-call]
