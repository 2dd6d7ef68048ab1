-- Inserts the deliveries of one batch. An existing delivery is left alone and not returned, whoever locks it.
-- A role or a database may have synchronous_commit off, but an answer promises that the row is on the disk.
INSERT INTO receiver_delivery (
    guid, hook_id, source, secret_position, event, action, repository_id, repository, sender,
    installation_id, number, headers, content_type, body, size, digest, redeliveries,
    status, attempts, claims, crashes, worker, error, received_at, next_attempt_at
)
SELECT
    guid, hook_id, source, secret_position, event, action, repository_id, repository, sender,
    installation_id, number, headers::jsonb, content_type, body, size, digest, redeliveries,
    'received', 0, 0, 0, '', '', clock_timestamp(), clock_timestamp()
FROM unnest(
    %(guid)b::uuid[], %(hook_id)b::bigint[], %(source)b::text[], %(secret_position)b::smallint[],
    %(event)b::text[], %(action)b::text[], %(repository_id)b::bigint[], %(repository)b::text[],
    %(sender)b::text[], %(installation_id)b::bigint[], %(number)b::bigint[], %(headers)b::text[],
    %(content_type)b::text[], %(body)b::bytea[], %(size)b::integer[], %(digest)b::bytea[],
    %(redeliveries)b::integer[]
) AS arrived (
    guid, hook_id, source, secret_position, event, action, repository_id, repository, sender,
    installation_id, number, headers, content_type, body, size, digest, redeliveries
), (SELECT set_config('synchronous_commit', 'on', true)) AS durable
ON CONFLICT (source, guid, hook_id) DO NOTHING
RETURNING source, guid, hook_id, id
