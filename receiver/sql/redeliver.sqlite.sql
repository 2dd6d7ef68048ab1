-- Counts redeliveries of an existing delivery, and keeps the times of the first twenty. A delivery with another body
-- is returned with its own digest, and nothing of it changes. A row of version 0.1 has no digest yet: equal bodies
-- make equal zstd frames. The signed bytes replace a body that was recovered unsigned. A failed delivery whose body
-- was pruned gets it back, to be processed again; with a new time of settlement, so that it is pruned again some day
-- even if that fails. Where only the key is left, it stays so.
UPDATE receiver_delivery
SET redeliveries = redeliveries
        + CASE WHEN unsigned OR COALESCE(digest = :digest, body = :body) THEN :redeliveries + 1 ELSE 0 END,
    redelivered_at = CASE
        WHEN NOT (unsigned OR COALESCE(digest = :digest, body = :body)) OR json_array_length(redelivered_at) >= 20
        THEN redelivered_at
        ELSE json_insert(redelivered_at, '$[#]', strftime('%Y-%m-%dT%H:%M:%f', 'now'))
    END,
    digest = CASE WHEN unsigned OR COALESCE(digest = :digest, body = :body) THEN :digest ELSE digest END,
    body = CASE
        WHEN unsigned AND body IS NOT NULL THEN :body
        WHEN body IS NULL AND NOT only_key AND status IN ('dead', 'invalid', 'ignored')
            AND (unsigned OR digest = :digest)
        THEN :body
        ELSE body
    END,
    finished_at = CASE
        WHEN body IS NULL AND NOT only_key AND status IN ('dead', 'invalid', 'ignored')
            AND (unsigned OR digest = :digest)
        THEN strftime('%Y-%m-%d %H:%M:%f', 'now')
        ELSE finished_at
    END,
    size = CASE WHEN unsigned AND NOT only_key THEN :size ELSE size END,
    headers = CASE WHEN unsigned AND NOT only_key THEN :headers ELSE headers END,
    content_type = CASE WHEN unsigned AND NOT only_key THEN :content_type ELSE content_type END,
    secret_position = CASE WHEN unsigned AND NOT only_key THEN :secret_position ELSE secret_position END,
    unsigned = 0
WHERE source = :source AND guid = :guid AND hook_id = :hook_id
RETURNING id, status, digest
