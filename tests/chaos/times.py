"""Durations of `short_lease_worker` and of the handlers of `scripted_handler`, in seconds."""

from processing import batch_runner

LEASE = 3.0
ISOLATION_GRACE = 1.0
# From the end of a worker until another worker has claimed its deliveries: the lease and one poll, twice
# because the other worker may be killed too.
TAKEN_OVER_WITHIN = 2 * (LEASE + batch_runner.POLL)
# A handler that runs longer than its lease, and the delay of a handler that asks for a retry.
LONG = 2.5 * LEASE
LATER = 3.0
# From the start of a worker until it is ready.
STARTED_WITHIN = 10.0
# Leases for which the event loop of a worker may be blocked. Long, because a busy machine stalls, too.
BLOCKED_LEASES = 10.0
# A handler that hangs.
HANGS_FOR = 1.0
# For the claims of a worker that stops, in place of `worker_process.END_WITHIN`. Long, because the disk of a
# busy machine may stall; where the database hangs, a test waits for all of it, and has a shorter one.
END_WITHIN = 30.0
