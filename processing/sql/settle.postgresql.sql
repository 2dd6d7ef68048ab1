-- Settles attempts whose lease still holds, writes their handler runs, and returns the id and `claims` of each.
-- Rows are found by id alone: with the status, the planner reads the small index of what is in processing.
WITH ended AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%(ended)s::jsonb) AS ended (
        id bigint, guid uuid, claims integer, worker text, status text, crashed integer, error text,
        wait double precision
    )
),
held AS (
    SELECT delivery.id, delivery.guid, delivery.claims, delivery.worker, delivery.status AS stands
    FROM receiver_delivery AS delivery JOIN ended ON ended.id = delivery.id
    ORDER BY delivery.guid, delivery.hook_id, delivery.source
    FOR NO KEY UPDATE OF delivery
),
settled AS (
    UPDATE receiver_delivery AS delivery
    SET status = ended.status,
        error = ended.error,
        attempts = attempts + 1 - crashed,
        crashes = crashes + crashed,
        lease_expires_at = NULL,
        next_attempt_at = statement_timestamp() + make_interval(secs => wait),
        finished_at = CASE WHEN wait IS NULL THEN statement_timestamp() END
    FROM ended JOIN held USING (id, guid, claims, worker)
    WHERE delivery.id = held.id AND stands = 'processing'
    RETURNING delivery.id, delivery.claims
),
written AS (
    INSERT INTO receiver_handlerrun (
        delivery_id, handler, attempt, trigger, outcome, started_at, duration, error, traceback, superseded
    )
    SELECT id, handler, attempt, trigger, outcome, started_at, duration, error, traceback, false
    FROM jsonb_to_recordset(%(runs)s::jsonb) AS ran (
        id bigint, claims integer, handler text, attempt integer, trigger text, outcome text,
        started_at timestamp with time zone, duration double precision, error text, traceback text
    ) JOIN settled USING (id, claims)
)
SELECT id, claims FROM settled
