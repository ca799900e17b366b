"""Background tasks on PostgreSQL, deferred inside the business transaction (`maillage_kit.outside.defer`)."""

from maillage_platform.tasks.worker import Handler, TaskRunner

__all__ = ["Handler", "TaskRunner"]
