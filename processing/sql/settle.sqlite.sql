-- Settles attempts whose lease still holds, and returns the id and `claims` of each. SQLite has no statement that writes two tables:
-- the handler runs follow in the same transaction.
WITH ended AS MATERIALIZED (
    SELECT value ->> 0 AS id, value ->> 1 AS guid, value ->> 2 AS claims, value ->> 3 AS worker,
        value ->> 4 AS status, value ->> 5 AS error, value ->> 6 AS wait
    FROM json_each(%(ended)s)
)
UPDATE receiver_delivery
SET status = ended.status,
    error = ended.error,
    attempts = attempts + 1,
    lease_expires_at = NULL,
    next_attempt_at = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', wait || ' seconds'),
    finished_at = CASE WHEN wait IS NULL THEN strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now') END
FROM ended
WHERE receiver_delivery.id = ended.id AND receiver_delivery.guid = ended.guid
    AND receiver_delivery.claims = ended.claims AND receiver_delivery.worker = ended.worker
    AND receiver_delivery.status = 'processing'
RETURNING id, claims
