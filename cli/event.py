"""What commands hear of a deployment while it runs."""

from collections.abc import Callable

from ..actors.call_record import CallRecord
from ..actors.messages.exchange import Report
from ..media import Finished

#: A report of an account, call or bot; a call's detail record; or a recording finished late.
Event = Report | CallRecord | Finished
Observer = Callable[[Event], None]
