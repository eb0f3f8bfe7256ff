"""What goes over the control socket: commands, their answers, events.

To make these classes takes a tenth of a start, and the first client comes later. So what runs
before names them ``models.status.PartSummary``: the file is read when it is first asked for.
"""

from typing import TYPE_CHECKING

from ...jingle.late_names import late_modules

if TYPE_CHECKING:
    from . import conversations as conversations
    from . import events as events
    from . import reload as reload
    from . import status as status

#: Files that are read when they are first asked for; others are imported by their own name.
LATE = ("conversations", "events", "reload", "status")

__getattr__ = late_modules(__name__, LATE)


def read_late() -> None:
    """Read all files that are read late. Blocks."""
    for name in LATE:
        __getattr__(name)
