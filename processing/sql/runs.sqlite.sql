-- Writes the handler runs of settled attempts.
INSERT INTO receiver_handlerrun (
    delivery_id, handler, attempt, trigger, outcome, started_at, duration, error, traceback, superseded
)
SELECT ran.value ->> '$.id', ran.value ->> '$.handler', ran.value ->> '$.attempt', ran.value ->> '$.trigger',
    ran.value ->> '$.outcome', ran.value ->> '$.started_at', ran.value ->> '$.duration', ran.value ->> '$.error',
    ran.value ->> '$.traceback', 0
FROM json_each(%(runs)s) AS ran
WHERE (ran.value ->> '$.id', ran.value ->> '$.claims') IN (
    SELECT settled.value ->> 0, settled.value ->> 1 FROM json_each(%(settled)s) AS settled
)
