"""Speech quality as a listener hears it: the E-model.

ITU-T G.107 (06/2015) rates a connection from 0 to 100, R = Ro - Is - Id - Ie,eff + A (equation
7-1). With the defaults of its table 2, Ro - Is is 93.2 and A is 0, so only delay and loss have to
be measured. WebRTC endpoints cancel echo, so of Id only Idd counts.

Ie and Bpl of G.711 with packet loss concealment are those of ITU-T G.113 (11/2007), appendix I: 0
and 25.1. G.113 has no narrow-band values for Opus. Its quality without loss is at least that of
G.711 and its decoder conceals losses, so it is rated with the same two numbers.
"""

from math import log2

R_MAX = 93.2
# Codec → (Ie, Bpl).
IMPAIRMENTS: dict[str, tuple[float, float]] = {
    "opus": (0.0, 25.1),
    "PCMU": (0.0, 25.1),
    "PCMA": (0.0, 25.1),
}
# Packetisation (20 ms) plus what an encoder looks ahead (6.5 ms with Opus, RFC 6716 §2).
CODEC_DELAY_MS = 26.5


def rating(codec: str, *, lost: float, delay_ms: float) -> float:
    """Rate a connection by the E-model.

    Args:
        codec: The RTP encoding name of an audio codec.
        lost: Share of packets lost at random, 0 to 1 (BurstR = 1).
        delay_ms: Mouth to ear, one way, in milliseconds.

    Returns:
        R, from 0 to 93.2 (G.107 equation 7-1).
    """
    ie, bpl = IMPAIRMENTS[codec]
    percent = 100 * min(max(lost, 0.0), 1.0)
    # G.107 equation 7-29 with BurstR = 1.
    ie_effective = ie + (95 - ie) * percent / (percent + bpl)
    return max(0.0, R_MAX - _delay_impairment(delay_ms) - ie_effective)


def opinion(r: float) -> float:
    """Translate a rating into a mean opinion score.

    Args:
        r: The rating R.

    Returns:
        MOS, 1 to 4.5 (G.107 annex B, equation B-4).
    """
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def mean_opinion_score(
    codec: str, *, lost: float, jitter_ms: float = 0.0, rtt_ms: float | None = None
) -> float | None:
    """Estimate how received speech sounds.

    Args:
        codec: The RTP encoding name.
        lost: Share of packets lost, 0 to 1.
        jitter_ms: Interarrival jitter in milliseconds; a playout buffer of twice that is assumed.
        rtt_ms: Round trip in milliseconds; half of it is the network's delay. None counts as 0.

    Returns:
        MOS from 1 to 4.4; None for a codec that the E-model does not rate (video).
    """
    if codec not in IMPAIRMENTS:
        return None
    delay = CODEC_DELAY_MS + 2 * jitter_ms + (rtt_ms or 0.0) / 2
    return opinion(rating(codec, lost=lost, delay_ms=delay))


def _delay_impairment(delay_ms: float) -> float:
    """Return Idd (G.107 equations 7-27 and 7-28 with the default delay sensitivity)."""
    if delay_ms <= 100:
        return 0.0
    x = log2(delay_ms / 100)
    bend = float((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6))
    return 25 * (bend + 2)
