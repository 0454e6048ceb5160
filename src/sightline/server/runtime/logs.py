"""Structured logging: one line an event on stderr, `event key=value …`. Modules say `log = structlog.get_logger()`."""

import sys

import structlog


def configure(level: str) -> None:
    """Call once, at the composition root. Tracebacks have no local variables, which may hold secrets."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # Resolved per line, so that a replaced `sys.stderr` is honoured.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
