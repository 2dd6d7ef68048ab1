-- Writes the skipped runs of these siblings, each pair a sibling and its settled delivery.
INSERT INTO receiver_handlerrun (
    delivery_id, handler, attempt, trigger, outcome, started_at, duration, error, traceback, superseded
)
SELECT DISTINCT sibling.id, run.handler, sibling.attempts, sibling.trigger, 'skipped',
    strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now'), 0.0, '', '', 0
FROM json_each(%(pairs)s) AS pair
JOIN receiver_delivery AS sibling ON sibling.id = pair.value ->> 0
JOIN receiver_handlerrun AS run ON run.delivery_id = pair.value ->> 1 AND NOT run.superseded
