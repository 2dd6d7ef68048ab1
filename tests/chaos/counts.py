"""Counts of the fault tests: small ones for the suite, those of the requirements for `make chaos`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts of one run; times are in seconds."""

    # Bounds on the wall clock are those of the requirements in `make chaos`. They are wide in the suite,
    # which runs several parts at once: `prompt` is for the answer to an honest delivery, `slack` for a slow
    # machine.
    slack: float
    prompt: float
    deliveries: int
    connections: int
    big_bodies: int
    pairs: int
    slow_senders: int
    slow_senders_for: float
    idle: int
    stalled: int
    pipelining: int
    endless_heads: int
    strangers_for: float
    keep_alive: float
    kills: int
    repetitions: int
    # Outages: PostgreSQL and Redis are away for `outage`; each other fault of Redis lasts `redis_fault`.
    outage: float
    redis_fault: float
    # Another program's jobs that wait in the queue; seconds from receipt to settlement.
    foreign_jobs: int
    settled: float
    cuts: int
    lock: float
    pushes: int
    # Workers: deliveries and kills in one run; stops of a long job; good deliveries beside a poisoned one.
    worker_deliveries: int
    worker_kills: int
    stops: int
    good: int
    # Operations: deliveries of one replay, and kills of the worker that runs it.
    replayed: int
    operation_kills: int
    large_pushes: int
    rows: int
    # Recovery: deliveries that GitHub lists, and those that are missing; requests to deliver that get lost
    # for some, and deliveries that never arrive; seconds between requests to deliver, until a kill, of an
    # absence, between deliveries meanwhile, and until all is there.
    listed: int
    missed: int
    lost_asks: int
    never: int
    ask_interval: float
    recovery_kills: int
    recovery_kill_within: float
    away: float
    away_pause: float
    recovered_within: float
    # Ordering: `turns` pushes for each repository in each round; each round but the last kills a worker.
    workers: int
    repositories: int
    turns: int
    turn_kills: int
    turn_lease: float
    # Machines: seconds for which a receiver or worker is cut off, at least.
    cut_off: float
    # Sentinels that watch Redis.
    sentinels: int
    # Deliveries that wait behind one of an ordered repository, and those of others whose latency is measured.
    blocked: int
    samples: int
    noise: float


SMALL = Counts(
    slack=60.0,
    prompt=15.0,
    deliveries=100,
    connections=50,
    pushes=100,
    big_bodies=1,
    pairs=30,
    slow_senders=50,
    slow_senders_for=1.5,
    idle=20,
    stalled=20,
    pipelining=4,
    endless_heads=4,
    strangers_for=1.5,
    keep_alive=5.5,  # longer than uvicorn's own five seconds
    outage=1.5,
    redis_fault=0.5,
    foreign_jobs=500,
    settled=30.0,
    lock=6.0,  # longer than the five seconds that SQLite waits for a lock
    kills=1,
    repetitions=50,
    worker_deliveries=40,
    worker_kills=1,
    stops=1,
    cuts=8,
    good=25,
    replayed=60,
    operation_kills=1,
    large_pushes=2,
    rows=50_000,
    workers=2,
    repositories=5,
    turns=8,
    turn_kills=1,
    listed=250,
    missed=10,
    lost_asks=1,
    never=0,
    ask_interval=0.1,
    recovery_kills=1,
    recovery_kill_within=0.5,
    away=0.5,
    away_pause=0.05,
    recovered_within=120.0,
    turn_lease=5.0,
    cut_off=10.0,
    sentinels=1,
    blocked=500,
    samples=15,
    noise=30.0,  # only the full counts measure
)
FULL = Counts(
    slack=8.0,
    prompt=1.0,
    deliveries=5000,
    connections=200,
    pushes=2000,
    big_bodies=40,
    pairs=5000,
    slow_senders=500,
    slow_senders_for=12.0,  # longer than a body may take
    idle=200,
    stalled=200,
    pipelining=50,
    endless_heads=50,
    strangers_for=60.0,
    keep_alive=65.0,  # longer than nginx and AWS keep theirs
    outage=20.0,
    redis_fault=5.0,
    foreign_jobs=20_000,
    settled=2.0,
    lock=15.0,
    kills=50,
    repetitions=1000,
    worker_deliveries=2000,
    worker_kills=100,
    stops=5,
    cuts=300,
    good=1000,
    replayed=5000,
    operation_kills=20,
    large_pushes=120,
    rows=1_000_000,
    workers=8,
    repositories=10,
    turns=10,
    turn_kills=12,
    listed=20_000,
    missed=400,
    lost_asks=1,
    never=1,
    ask_interval=0.5,
    recovery_kills=10,
    recovery_kill_within=10.0,
    away=60.0,
    away_pause=0.2,
    recovered_within=900.0,
    turn_lease=8.0,  # eight workers may wait long for SQLite's lock
    cut_off=12.0,
    sentinels=3,
    blocked=100_000,
    samples=200,
    noise=0.05,
)
