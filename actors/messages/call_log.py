"""What the call log is told, besides detail records."""

from ...ladder.ladder import Ladder
from ..records.call_record import CallRecord
from ..runtime.message import message
from ..runtime.ref import AsyncioActorRef

# -- by calls --------------------------------------------------------------------------------------


@message
class CallGoesOn:
    """A call has begun, or more of it is known.

    Attributes:
        record: what is to be recorded of it if the process dies now.
    """

    record: CallRecord


# -- by itself and its timers ----------------------------------------------------------------------


@message
class Flush:
    """Write what has been told up to now."""


@message
class Retry:
    """It is time to write what could not be written."""


@message
class Beat:
    """It is time to note that the process lives."""


CallLogMessage = CallRecord | CallGoesOn | Ladder | Flush | Retry | Beat
#: What may be told it by others, who know only its supervisor.
CallLogRef = AsyncioActorRef[CallRecord | CallGoesOn | Ladder]
