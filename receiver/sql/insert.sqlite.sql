-- Inserts one delivery of a batch. An existing delivery is left alone. inserted.sqlite.sql finds the new ones.
INSERT INTO receiver_delivery (
    guid, hook_id, source, secret_position, event, action, repository_id, repository, sender,
    installation_id, number, headers, content_type, body, size, digest, redeliveries, address,
    status, attempts, claims, crashes, worker, error, received_at, next_attempt_at
)
VALUES (
    :guid, :hook_id, :source, :secret_position, :event, :action, :repository_id, :repository, :sender,
    :installation_id, :number, :headers, :content_type, :body, :size, :digest, :redeliveries, :address,
    'received', 0, 0, 0, '', '', :received_at, :next_attempt_at
)
ON CONFLICT (source, guid, hook_id) DO NOTHING
