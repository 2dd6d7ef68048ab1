"""How long things take with `short_lease_worker` and the handlers of `scripted_handler`, in seconds."""

from processing import consumer

LEASE = 2.0
ISOLATION_GRACE = 1.0
# From the end of a worker until another has claimed what it held: the lease, the look at the database, both
# again should the worker that claimed it be killed as well, and two seconds for a slow machine.
TAKEN_OVER_WITHIN = 2 * (LEASE + consumer.POLL) + 2
# A handler that outlasts its lease, and one that says when it wants to run again.
LONG = 2.5 * LEASE
LATER = 3.0
# Until a worker is ready.
STARTED_WITHIN = 3.0
# A worker whose event loop is blocked is ended after this time, the isolating process after this.
BLOCKED_FOR = 2 * LEASE
BLOCKED_APART = 1.0 + ISOLATION_GRACE
