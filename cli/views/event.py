"""What commands hear of a deployment while it runs."""

from collections.abc import Callable

from ...actors.messages.exchange import Report
from ...actors.records.call_record import CallRecord
from ...control.history.retention import RecordingsRemoved
from ...media import FinishedRecording

#: A report of an account, call or bot; a call's detail record; a recording finished late; or what
#: was removed because it was too old or too much.
Event = Report | CallRecord | FinishedRecording | RecordingsRemoved
Observer = Callable[[Event], None]
