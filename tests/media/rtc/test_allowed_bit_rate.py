"""How much video is sent: what the peer says that it can take, and less where packets are lost."""

from callboard.media.codecs.picture import BIT_RATE
from callboard.media.rtc.rtp.video.allowed_bit_rate import AllowedBitRate
from hypothesis import given
from hypothesis import strategies as st


def test_nothing_is_known_at_first() -> None:
    allowed = AllowedBitRate()
    assert allowed.value is None
    allowed.lost(0.05)
    allowed.lost(0.0)
    assert allowed.value is None
    allowed.lost(0.5)
    assert allowed.value == BIT_RATE * 0.75


def test_what_the_peer_says_counts_within_bounds() -> None:
    allowed = AllowedBitRate()
    for said, kept in ((700_000, 700_000), (0, allowed.LEAST), (1 << 80, allowed.MOST)):
        allowed.said(said)
        assert allowed.value == kept


def test_what_is_lost_takes_away_and_comes_back_slowly() -> None:
    allowed = AllowedBitRate()
    allowed.said(1_000_000)
    allowed.lost(0.2)
    assert allowed.value == 900_000
    allowed.lost(0.05)
    assert allowed.value == 900_000
    allowed.said(1_500_000)  # it has not seen what was lost
    assert allowed.value == 900_000
    found = []
    for _ in range(12):
        allowed.lost(0.0)
        found.append(allowed.value or 0)
    assert found == sorted(found)
    assert found[0] == 945_000
    assert found[-1] == 1_500_000
    allowed.said(600_000)
    assert allowed.value == 600_000


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("said"), st.integers(0, 1 << 81)),
            st.tuples(st.just("lost"), st.floats(0, 1)),
        ),
        max_size=80,
    )
)
def test_whatever_a_peer_reports(told: list[tuple[str, float]]) -> None:
    allowed = AllowedBitRate()
    said = None
    for what, value in told:
        if what == "said":
            said = int(value)
            allowed.said(said)
        else:
            allowed.lost(value)
        if allowed.value is not None:
            assert allowed.LEAST <= allowed.value <= allowed.MOST
            assert said is None or allowed.value <= max(said, allowed.LEAST)
