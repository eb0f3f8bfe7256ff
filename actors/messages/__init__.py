"""What the actors tell each other: one file for each actor's protocol.

Each file has the messages that others send first, and those that an actor (or what it owns) sends
to itself after them, with a leading underscore in none of the names but a line between the two.

Most of them are of calls, and to make their classes takes a tenth of a start. So what runs before
there are calls names them ``messages.call.Hangup``: the file is read when it is first asked for
(PEP 562). `callboard.actors.call_libraries` has that done in a thread.
"""

from typing import TYPE_CHECKING

from ...jingle.late_names import late_modules

if TYPE_CHECKING:
    from . import bridge as bridge
    from . import call as call
    from . import conversation as conversation
    from . import room as room

#: Files that are read when they are first asked for; others are imported by their own name.
LATE = ("bridge", "call", "conversation", "room")

__getattr__ = late_modules(__name__, LATE)
