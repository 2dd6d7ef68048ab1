"""Durations of `short_lease_worker` and of the handlers of `scripted_handler`, in seconds."""

from processing import consumer

LEASE = 2.0
ISOLATION_GRACE = 1.0
# From the end of a worker until another worker has claimed its deliveries: the lease and one poll, twice
# because the other worker may be killed too, and two seconds for a slow machine.
TAKEN_OVER_WITHIN = 2 * (LEASE + consumer.POLL) + 2
# A handler that runs longer than its lease, and the delay of a handler that asks for a retry.
LONG = 2.5 * LEASE
LATER = 3.0
# From the start of a worker until it is ready.
STARTED_WITHIN = 3.0
# A worker, or an isolating process, with a blocked event loop ends after this time.
BLOCKED_FOR = 2 * LEASE
BLOCKED_APART = 1.0 + ISOLATION_GRACE
