-- Counts redeliveries of existing deliveries. A row that another transaction locks is skipped and not returned.
-- A delivery with another body is returned with its own digest, and nothing of it changes. A row of version 0.1
-- has no digest yet: equal bodies make equal zstd frames.
WITH sent AS (
    SELECT * FROM unnest(
        %(source)b::text[], %(guid)b::uuid[], %(hook_id)b::bigint[], %(digest)b::bytea[], %(body)b::bytea[],
        %(redeliveries)b::integer[]
    ) AS sent (source, guid, hook_id, digest, body, redeliveries)
),
held AS (
    SELECT id, source, guid, hook_id, digest, body
    FROM receiver_delivery
    WHERE (source, guid, hook_id) IN (SELECT source, guid, hook_id FROM sent)
    ORDER BY guid, hook_id, source
    FOR NO KEY UPDATE SKIP LOCKED
),
matched AS (
    SELECT held.id, sent.digest, sent.redeliveries + 1 AS times
    FROM held JOIN sent USING (source, guid, hook_id)
    WHERE COALESCE(held.digest = sent.digest, held.body = sent.body)
)
UPDATE receiver_delivery AS delivery
SET redeliveries = delivery.redeliveries + COALESCE(matched.times, 0),
    digest = COALESCE(matched.digest, delivery.digest)
FROM held LEFT JOIN matched USING (id)
WHERE delivery.id = held.id
RETURNING delivery.source, delivery.guid, delivery.hook_id, delivery.id, delivery.status, delivery.digest
