"""The log: one line per event with request id and cooperative, never a name or a number, never a local variable."""

import logging
import sys
from typing import TextIO

import structlog

from maillage_kit.settings import Settings

# Where `rich` is installed, structlog's own would show every local variable, and take seconds over it.
readable = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def configure_logs(settings: Settings, *, to: TextIO | None = None) -> None:
    """JSON lines in production, readable lines elsewhere; both on standard error, unless given another place."""
    render: list[structlog.typing.Processor]
    if settings.in_production:
        render = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    else:
        render = [readable]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(to or sys.stderr),
        cache_logger_on_first_use=to is None,
    )
