-- Writes the handler runs of settled attempts. Times are in UTC, as Django stores them.
WITH ran AS (
    SELECT value ->> 0 AS id, value ->> 1 AS claims, value ->> 2 AS started_at, value ->> 3 AS handler,
        value ->> 4 AS attempt, value ->> 5 AS trigger, value ->> 6 AS outcome, value ->> 7 AS duration,
        value ->> 8 AS error, value ->> 9 AS traceback
    FROM json_each(%(runs)s)
)
INSERT INTO receiver_handlerrun (
    delivery_id, handler, attempt, trigger, outcome, started_at, duration, error, traceback, superseded
)
SELECT id, handler, attempt, trigger, outcome, replace(started_at, '+00:00', ''), duration, error, traceback, 0
FROM ran
WHERE (id, claims) IN (SELECT value ->> 0, value ->> 1 FROM json_each(%(settled)s))
