"""How fast senders may send and which may not, and who works."""

from sqlalchemy import BigInteger, Column, Date, Integer, String, Table, Text

from outreach.store.tables.base import UtcDateTime, metadata, required

# --- how fast senders may send, and which may not ---------------------------------------------

# One row a limit: of a sender, of an account that senders share, of a country. All workers reserve
# from it.
sender_rate = Table(
    "sender_rate",
    metadata,
    Column("name", Text, primary_key=True),  # SENDER, `SENDER +852`, `account NAME`
    required("clock", BigInteger),  # virtual: when the next message may go, us since 1970
    required("urgent_until", BigInteger),  # until when bulk leaves the sender to urgent messages
    Column("day", Date),  # on the firm's clock
    required("used", Integer),  # of the day's cap
    Column("first_on", Date),  # the first day of a ramp-up
    Column("not_before", UtcDateTime),
    Column("since_at", UtcDateTime),  # when that was set: a clock that jumped must not hold it
    Column("why", String(16)),  # core.rate.Why
)

# One row for a sender that had trouble; it goes when the trouble is over for good.
sender_breaker = Table(
    "sender_breaker",
    metadata,
    Column("name", Text, primary_key=True),
    required("state", String(12)),  # closed | open | half_open | stopped
    Column("open_until", UtcDateTime),
    Column("since_at", UtcDateTime),
    required("errors", Integer),  # of the line, in a row
    required("recent", String(50)),  # the last 200 attempts, a bit each: 1 is in doubt
    required("rests", Integer),  # how often it opened without a success in between
    required("why", Text),
    required("actor", Text),
    required("at", UtcDateTime),
)

# --- workers ----------------------------------------------------------------------------------

# Processes that work from the queue. By the database's clock where it has one.
worker = Table(
    "worker",
    metadata,
    Column("owner", String(200), primary_key=True),  # as in `batch` and `window`
    required("name", Text),
    required("queues", Text),  # with commas in between
    required("started_at", UtcDateTime),
    required("seen_at", UtcDateTime),
)
