"""The worker: claims stored deliveries under leases, parses them, runs their handlers, settles them."""
