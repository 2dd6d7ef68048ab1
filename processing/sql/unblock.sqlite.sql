-- The same as unblock.postgresql.sql.
UPDATE receiver_delivery
SET next_attempt_at = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')
WHERE status = 'received' AND next_attempt_at IS NULL AND id IN (
    SELECT (
        SELECT first.id
        FROM receiver_delivery AS first
        WHERE first.status = 'received' AND first.ordering_key = key.value
        ORDER BY first.received_at, first.id
        LIMIT 1
    )
    FROM json_each(%(keys)s) AS key
    WHERE NOT EXISTS (
        SELECT 1 FROM receiver_delivery AS holder
        WHERE holder.status = 'processing' AND holder.ordering_key = key.value
    )
)
RETURNING id
