-- Inserts the deliveries of one batch. An existing delivery is left alone and not returned, even if another transaction locks it.
-- $1 is a JSON array of columns, $2 all bodies in one. One value of each kind costs the receiver less than an
-- array for each column.
-- A role or a database may have synchronous_commit off, but an answer promises that the row is on the disk.
INSERT INTO receiver_delivery (
    guid, hook_id, source, secret_position, event, action, repository_id, repository, sender,
    installation_id, number, headers, content_type, body, size, digest, redeliveries, address,
    status, attempts, claims, crashes, worker, error, received_at, next_attempt_at
)
SELECT
    guid, hook_id, source, secret_position, event, action, repository_id, repository, sender,
    installation_id, number, headers, content_type, substring($2::bytea FROM body_start FOR body_length),
    size, decode(digest, 'hex'), redeliveries, address,
    'received', 0, 0, 0, '', '', clock_timestamp(), clock_timestamp()
FROM json_to_recordset($1::json) AS arrived (
    guid uuid, hook_id bigint, source text, secret_position smallint, event text, action text,
    repository_id bigint, repository text, sender text, installation_id bigint, number bigint, headers jsonb,
    content_type text, body_start integer, body_length integer, size integer, digest text,
    redeliveries integer, address text
), (SELECT set_config('synchronous_commit', 'on', true)) AS durable
ON CONFLICT (source, guid, hook_id) DO NOTHING
RETURNING source, guid, hook_id, id
