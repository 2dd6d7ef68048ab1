"""How long things take with `hasty_receiver`, `hasty_worker` and the handlers of `obedient`, in seconds."""

from processing import sweep

# Until the sweep finds what no wake-up brought.
WAKE_GRACE = 1.0
LEASE = 2.0
QUARANTINE_GRACE = 1.0
# From the end of a worker until another has claimed what it held: the lease, the sweep, once more the sweep
# should the worker that found it be killed as well, and one second for a slow machine.
TAKEN_OVER_WITHIN = LEASE + sweep.EVERY + sweep.AGAIN.total_seconds() + sweep.EVERY + 1
# A handler that outlasts its lease, and one that says when it wants to run again.
LONG = 2.5 * LEASE
LATER = 3.0
# Until a worker is ready.
STARTED_WITHIN = 3.0
# A worker whose event loop is blocked is ended after this time, its quarantine after this.
BLOCKED_FOR = 2 * LEASE
BLOCKED_APART = 1.0 + QUARANTINE_GRACE
