"""All commands."""

from .calls import CALLS, HANGUP
from .conversations import CONVERSATIONS, MESSAGE, MESSAGES
from .events import EVENTS, LOGS
from .handler import table
from .history import HISTORY, PAST_CALL
from .ladder import LADDER
from .logins import LOGIN, LOGOUT
from .placing import CALL
from .playing import PLAY, SAY
from .presence import PRESENCE
from .reload import RELOAD
from .status import STATUS
from .steering import ANSWER, DECLINE, HOLD, MUTE, PRESS, RECORD
from .stop import STOP

#: What a running instance takes. To add a command: its model in `models/`, its handler here.
COMMANDS = table(
    *(STATUS, RELOAD, CALLS, CALL, HANGUP, SAY, PLAY, PRESENCE, EVENTS, LOGS, STOP),
    *(HISTORY, PAST_CALL, LADDER),
    *(ANSWER, DECLINE, HOLD, MUTE, PRESS, RECORD),
    *(LOGIN, LOGOUT, CONVERSATIONS, MESSAGES, MESSAGE),
)
