"""Every module of relational tables, so that all of them have registered with `metadata`."""

from sightline.server.tables import (
    accounts,
    audit,
    connections,
    dashboards,
    evals,
    evaluators,
    exports,
    leases,
    media,
    pricing,
    prompts,
    reviews,
    skills,
    upkeep,
    versions,
)
from sightline.server.tables.metadata import metadata

MODULES = (
    accounts,
    audit,
    connections,
    dashboards,
    evals,
    evaluators,
    exports,
    leases,
    media,
    pricing,
    prompts,
    reviews,
    skills,
    upkeep,
    versions,
)
"""Named so that an import that nothing reads is no mistake."""

__all__ = ["MODULES", "metadata"]
