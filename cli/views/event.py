"""What commands hear of a deployment while it runs."""

from collections.abc import Callable

from ...actors.messages.exchange import Report
from ...actors.records.call_record import CallRecord
from ...media import FinishedRecording

#: A report of an account, call or bot; a call's detail record; or a recording finished late.
Event = Report | CallRecord | FinishedRecording
Observer = Callable[[Event], None]
