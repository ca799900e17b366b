"""Background tasks on PostgreSQL, deferred inside the business transaction."""
