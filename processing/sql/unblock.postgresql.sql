-- Makes the oldest delivery that waits behind each of these ordering keys due, unless another delivery of the key
-- is in processing.
UPDATE receiver_delivery AS delivery
SET next_attempt_at = statement_timestamp()
FROM (
    SELECT (
        SELECT first.id
        FROM receiver_delivery AS first
        WHERE first.status = 'received' AND first.ordering_key = key
        ORDER BY first.received_at, first.id
        LIMIT 1
    ) AS id
    FROM unnest(%(keys)s::text[]) AS key
    WHERE NOT EXISTS (
        SELECT FROM receiver_delivery AS holder
        WHERE holder.status = 'processing' AND holder.ordering_key = key
    ) AND (SELECT set_config('synchronous_commit', 'off', true)) = 'off'
) AS next
WHERE delivery.id = next.id AND delivery.status = 'received' AND delivery.next_attempt_at IS NULL
RETURNING delivery.id
