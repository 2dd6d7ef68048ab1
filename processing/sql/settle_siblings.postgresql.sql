-- Settles the waiting siblings of settled deliveries with the same end: they have the same payload, and every
-- handler that wants it has had its effect for their guid. Returns their ids.
WITH sibling AS MATERIALIZED (
    SELECT delivery.id, settled.id AS settled_id, settled.status, settled.error
    FROM receiver_delivery AS settled
    JOIN receiver_delivery AS delivery
        ON delivery.guid = settled.guid AND delivery.source = settled.source AND delivery.event = settled.event
        AND delivery.digest IS NOT DISTINCT FROM settled.digest
    WHERE settled.id = ANY(%(ids)s::bigint[]) AND settled.finished_at IS NOT NULL
        AND delivery.status = 'received'
        AND (SELECT set_config('synchronous_commit', 'off', true)) = 'off'
    LIMIT %(limit)s
    FOR NO KEY UPDATE OF delivery SKIP LOCKED
),
changed AS (
    UPDATE receiver_delivery AS delivery
    SET status = sibling.status,
        error = sibling.error,
        attempts = attempts + 1,
        next_attempt_at = NULL,
        finished_at = statement_timestamp()
    FROM sibling
    WHERE delivery.id = sibling.id
    RETURNING delivery.id, delivery.attempts, delivery.trigger, settled_id
),
written AS (
    INSERT INTO receiver_handlerrun (
        delivery_id, handler, attempt, trigger, outcome, started_at, duration, error, traceback, superseded
    )
    SELECT DISTINCT changed.id, run.handler, changed.attempts, changed.trigger, 'skipped', statement_timestamp(),
        0.0, '', '', false
    FROM changed JOIN receiver_handlerrun AS run ON run.delivery_id = settled_id AND NOT run.superseded
)
SELECT id FROM changed
