-- Counts redeliveries of an existing delivery, and keeps the times of the first twenty. A delivery with another body
-- or event is returned with its own, and nothing of it changes. A row of version 0.1 has no digest yet: equal bodies
-- make equal zstd frames. The signed bytes replace a body that was recovered unsigned. A failed delivery whose body
-- was pruned gets it back, to be processed again; with a new time of settlement, so that it is pruned again some day
-- even if that fails. Where only the key is left, it stays so.
WITH held AS MATERIALIZED (
    SELECT id, matched, matched AND unsigned AND NOT only_key AS replaced,
        matched AND body IS NULL AND NOT only_key AND status IN ('dead', 'invalid', 'ignored') AS repaired
    FROM (
        SELECT *, event = :event AND (unsigned OR COALESCE(digest = :digest, body = :body, 0)) AS matched
        FROM receiver_delivery
        WHERE source = :source AND guid = :guid AND hook_id = :hook_id
    )
)
UPDATE receiver_delivery
SET redeliveries = redeliveries + CASE WHEN matched THEN :redeliveries + 1 ELSE 0 END,
    redelivered_at = CASE
        WHEN NOT matched OR json_array_length(redelivered_at) >= 20 THEN redelivered_at
        ELSE json_insert(redelivered_at, '$[#]', strftime('%Y-%m-%dT%H:%M:%f', 'now'))
    END,
    digest = CASE WHEN matched THEN :digest ELSE digest END,
    body = CASE WHEN repaired OR replaced AND body IS NOT NULL THEN :body ELSE body END,
    finished_at = CASE WHEN repaired THEN strftime('%Y-%m-%d %H:%M:%f', 'now') ELSE finished_at END,
    size = CASE WHEN replaced THEN :size ELSE size END,
    headers = CASE WHEN replaced THEN :headers ELSE headers END,
    content_type = CASE WHEN replaced THEN :content_type ELSE content_type END,
    secret_position = CASE WHEN replaced THEN :secret_position ELSE secret_position END,
    unsigned = unsigned AND NOT matched
FROM held
WHERE receiver_delivery.id = held.id
RETURNING id, status, digest, receiver_delivery.event
