"""How much video a peer can take, by what it says and by what it loses."""

from ....codecs.picture import BIT_RATE


class AllowedBitRate:
    """Keeps what is sent to what comes through (draft-ietf-rmcat-gcc-02 §6).

    The peer says how much comes through before queues grow (REMB). Where packets are dropped and no
    queue grows, only its reports show it: of what is sent, less is sent when a tenth is lost, and
    slowly more again when next to nothing is.

    Attributes:
        value: Bits per second; None as long as nobody knows.
    """

    LEAST = 100_000
    """Bits per second that are sent, however little comes through."""

    MOST = 20_000_000
    """Bits per second that are sent, however much the peer could take."""

    MUCH, LITTLE = 0.1, 0.02
    """Shares of the packets lost, between which all stays as it is."""

    def __init__(self) -> None:
        self.value: int | None = None
        self._by_loss: float | None = None
        self._said: int | None = None

    def said(self, bit_rate: int) -> None:
        """Take what the peer says that it can take (draft-alvestrand-rmcat-remb-03).

        Args:
            bit_rate: Bits per second.
        """
        self._said = bit_rate
        self._find()

    def lost(self, share: float) -> None:
        """Take what the peer reports to have lost since its last report (RFC 3550 §6.4.1).

        Args:
            share: Of the packets, 0 to 1.
        """
        if share > self.MUCH:
            self._by_loss = max(self.LEAST, (self.value or BIT_RATE) * (1 - share / 2))
        elif share < self.LITTLE and self._by_loss is not None:
            self._by_loss *= 1.05
            if self._by_loss >= min(self.MOST, self._said or self.MOST):
                self._by_loss = None
        self._find()

    def _find(self) -> None:
        known = [each for each in (self._said, self._by_loss) if each is not None]
        self.value = max(self.LEAST, min(self.MOST, int(min(known)))) if known else None
