"""How much of everything: small numbers for the suite, the requirements' own for `make chaos`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers that the tests are run with; times are in seconds."""

    # Of the receiver. `prompt` is how soon an honest delivery is answered, whatever others do; the suite runs
    # twice at once, on SQLite and on PostgreSQL, so that its bound is wider.
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
    # Of servers that fail: both are away for `outage`, Redis fails in other ways for `redis_fault` each.
    outage: float
    redis_fault: float
    # Another program's jobs that wait in the queue; seconds from receipt to settlement.
    foreign_jobs: int
    settled: float
    cuts: int
    lock: float
    pushes: int
    # Of workers: deliveries and kills in one run; how often a long job is stopped; good ones beside a poison.
    worker_deliveries: int
    worker_kills: int
    stops: int
    good: int
    large_pushes: int
    rows: int
    # Of turns: in each round, one more than there are kills, so many `turns` for each repository.
    workers: int
    repositories: int
    turns: int
    turn_kills: int
    turn_lease: float


SMALL = Counts(
    prompt=4.0,
    deliveries=300,
    connections=50,
    pushes=300,
    big_bodies=1,
    pairs=60,
    slow_senders=50,
    slow_senders_for=1.5,
    idle=40,
    stalled=40,
    pipelining=10,
    endless_heads=12,
    strangers_for=2.0,
    keep_alive=5.5,  # longer than uvicorn's own five seconds
    outage=2.0,
    redis_fault=1.0,
    foreign_jobs=2000,
    settled=6.0,
    lock=6.0,  # longer than the five seconds that SQLite waits for a lock
    kills=3,
    repetitions=100,
    worker_deliveries=60,
    worker_kills=3,
    stops=2,
    cuts=30,
    good=100,
    large_pushes=3,
    rows=200_000,
    workers=3,
    repositories=5,
    turns=8,
    turn_kills=2,
    turn_lease=3.0,
)
FULL = Counts(
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
    large_pushes=120,
    rows=1_000_000,
    workers=8,
    repositories=10,
    turns=10,
    turn_kills=12,
    turn_lease=8.0,  # eight workers may wait long for SQLite's lock
)
