"""The terminal that a command was started from, and whether it is still there."""

import os
import signal


class ControllingTerminal:
    """The terminal of the process's session, if it has one when this is made.

    A terminal that is closed, or whose connection breaks, hangs up: the kernel takes it away from
    its session and sends SIGHUP (credentials(7)). So after a SIGHUP this tells whether somebody
    wants a reload, or went away.

    Attributes:
        was_asked: SIGHUP came before anybody could heed it, while the terminal was there.
    """

    def __init__(self) -> None:
        self._was_there = _is_there()
        self.was_asked = False

    def wait_for_start(self) -> None:
        """From now on let a SIGHUP wait until everything runs, unless the terminal has hung up."""

        def note(*_: object) -> None:
            if self.has_hung_up():
                raise KeyboardInterrupt
            self.was_asked = True

        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, note)

    def has_hung_up(self) -> bool:
        """Tell whether there was one, and is none any more."""
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
