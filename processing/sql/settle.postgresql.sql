-- Settles attempts whose lease still holds, writes their handler runs, and returns the id and `claims` of each.
-- Rows are found by id alone: with the status, the planner reads the small index of what is in processing.
WITH ended AS MATERIALIZED (
    SELECT * FROM unnest(
        %(id)t::bigint[], %(guid)t::uuid[], %(claims)t::integer[], %(worker)t::text[], %(status)t::text[],
        %(error)t::text[], %(wait)t::double precision[]
    ) AS ended (id, guid, claims, worker, status, error, wait)
    -- A crash of the server that undoes it leaves the delivery in processing, as a worker that dies before it does.
    WHERE (SELECT set_config('synchronous_commit', 'off', true)) = 'off'
),
held AS (
    SELECT delivery.id, delivery.guid, delivery.claims, delivery.worker, delivery.status AS stands
    FROM receiver_delivery AS delivery
    WHERE delivery.id = ANY(%(id)t::bigint[])
    ORDER BY delivery.guid, delivery.hook_id, delivery.source
    FOR NO KEY UPDATE OF delivery
),
settled AS (
    UPDATE receiver_delivery AS delivery
    SET status = ended.status,
        error = ended.error,
        attempts = attempts + 1,
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
    FROM unnest(
        %(run_id)t::bigint[], %(run_claims)t::integer[], %(run_handler)t::text[], %(run_attempt)t::integer[],
        %(run_trigger)t::text[], %(run_outcome)t::text[], %(run_started_at)t::timestamp with time zone[],
        %(run_duration)t::double precision[], %(run_error)t::text[], %(run_traceback)t::text[]
    ) AS ran (
        id, claims, handler, attempt, trigger, outcome, started_at, duration, error, traceback
    ) JOIN settled USING (id, claims)
)
SELECT id, claims FROM settled
