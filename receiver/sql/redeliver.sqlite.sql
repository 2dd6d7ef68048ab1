-- Counts redeliveries of an existing delivery. A delivery with another body is returned with its own digest, and
-- nothing of it changes. A row of version 0.1 has no digest yet: equal bodies make equal zstd frames.
UPDATE receiver_delivery
SET redeliveries = redeliveries
        + CASE WHEN COALESCE(digest = :digest, body = :body) THEN :redeliveries + 1 ELSE 0 END,
    digest = CASE WHEN COALESCE(digest = :digest, body = :body) THEN :digest ELSE digest END
WHERE source = :source AND guid = :guid AND hook_id = :hook_id
RETURNING id, status, digest
