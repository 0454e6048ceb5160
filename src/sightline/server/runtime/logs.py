"""Structured logging: one line an event on stderr, `event key=value …`. Modules say `log = structlog.get_logger()`."""

import sys
from contextlib import suppress

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
        logger_factory=lambda *_: Lines(sys.stderr),
    )


class Lines(structlog.PrintLogger):
    """A log on a full disk loses its lines; it must not fail the request, or end the thread, that speaks."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg
