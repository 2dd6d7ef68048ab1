-- Inserts one delivery of a batch. An existing delivery is left alone. inserted.sqlite.sql finds the new ones.
-- receiver/sqlite.py makes a statement for many new rows of it, without the last line: the times come first, and the
-- values and the conflict begin lines.
INSERT INTO receiver_delivery (
    received_at, next_attempt_at, guid, hook_id, source, secret_position, event, action, repository_id, repository,
    sender, installation_id, number, headers, content_type, body, size, digest, redeliveries, address,
    status, attempts, claims, crashes, worker, error
)
VALUES
(
    :received_at, :next_attempt_at, :guid, :hook_id, :source, :secret_position, :event, :action, :repository_id,
    :repository, :sender, :installation_id, :number, :headers, :content_type, :body, :size, :digest, :redeliveries,
    :address, 'received', 0, 0, 0, '', ''
)
ON CONFLICT (source, guid, hook_id) DO NOTHING
