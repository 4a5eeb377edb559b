"""Leg 2: claim a batch, look again, commit the intent, send, append what came of it.

No transaction is open while an adapter sends. A window whose intent is committed and whose outcome
is not is in doubt, and nobody sends it again by himself.
"""

from outreach.dispatch.loop import drain as drain
from outreach.dispatch.loop import work as work
from outreach.dispatch.loop import work_batch as work_batch
from outreach.dispatch.loop import work_retries as work_retries
from outreach.dispatch.permits import until as until
from outreach.dispatch.sending import Adapter as Adapter
from outreach.dispatch.sending import Clock as Clock
from outreach.dispatch.sending import Sending as Sending
from outreach.dispatch.sending import Tally as Tally
from outreach.dispatch.sending import Text as Text
