-- Counts redeliveries of existing deliveries. A row that another transaction locks is skipped and not returned.
-- The times of the first twenty are kept, so that a captured request that is repeated cannot fill the row.
-- A delivery with another body or event is returned with its own, and nothing of it changes. A row of version 0.1
-- has no digest yet: equal bodies make equal zstd frames. The signed bytes replace a body that was recovered
-- unsigned. A failed delivery whose body was pruned gets it back, to be processed again; with a new time of
-- settlement, so that it is pruned again some day even if that fails. Where only the key is left, it stays so.
-- The parameters are those of the insert.
WITH sent AS (
    SELECT source, guid, hook_id, decode(digest, 'hex') AS digest,
        substring($2::bytea FROM body_start FOR body_length) AS body, redeliveries, size, headers, content_type,
        secret_position, event
    FROM json_to_recordset($1::json) AS sent (
        source text, guid uuid, hook_id bigint, digest text, body_start integer, body_length integer,
        redeliveries integer, size integer, headers jsonb, content_type text, secret_position smallint, event text
    )
),
held AS (
    SELECT id, source, guid, hook_id, event, digest, body, unsigned, only_key,
        body IS NULL AND NOT only_key AND status IN ('dead', 'invalid', 'ignored') AS repairable
    FROM receiver_delivery
    WHERE (source, guid, hook_id) IN (SELECT source, guid, hook_id FROM sent)
    ORDER BY guid, hook_id, source
    FOR NO KEY UPDATE SKIP LOCKED
),
matched AS (
    SELECT DISTINCT ON (held.id)
        held.id, sent.digest, sent.redeliveries + 1 AS times, held.unsigned AND NOT held.only_key AS replaced,
        held.repairable AS repaired, held.repairable OR held.unsigned AND held.body IS NOT NULL AS with_body,
        sent.body, sent.size, sent.headers, sent.content_type, sent.secret_position
    FROM held JOIN sent USING (source, guid, hook_id, event)
    WHERE held.unsigned OR COALESCE(held.digest = sent.digest, held.body = sent.body)
)
UPDATE receiver_delivery AS delivery
SET redeliveries = delivery.redeliveries + COALESCE(matched.times, 0),
    redelivered_at = CASE
        WHEN matched.id IS NULL OR jsonb_array_length(delivery.redelivered_at) >= 20 THEN delivery.redelivered_at
        ELSE delivery.redelivered_at || to_jsonb(statement_timestamp() AT TIME ZONE 'UTC')
    END,
    digest = COALESCE(matched.digest, delivery.digest),
    body = CASE WHEN matched.with_body THEN matched.body ELSE delivery.body END,
    finished_at = CASE WHEN matched.repaired THEN statement_timestamp() ELSE delivery.finished_at END,
    size = CASE WHEN matched.replaced THEN matched.size ELSE delivery.size END,
    headers = CASE WHEN matched.replaced THEN matched.headers ELSE delivery.headers END,
    content_type = CASE WHEN matched.replaced THEN matched.content_type ELSE delivery.content_type END,
    secret_position = CASE WHEN matched.replaced THEN matched.secret_position ELSE delivery.secret_position END,
    unsigned = delivery.unsigned AND matched.id IS NULL
FROM held LEFT JOIN matched USING (id)
WHERE delivery.id = held.id
RETURNING delivery.source, delivery.guid, delivery.hook_id, delivery.id, delivery.status,
    encode(delivery.digest, 'hex'), delivery.event
