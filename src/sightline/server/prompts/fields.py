"""What can be asked of a version of a prompt; `prompts/store` knows the columns."""

from collections.abc import Mapping

from sightline.server.questions import Field

PROMPT_FIELDS: Mapping[str, Field] = {
    "id": Field(""),
    "name": Field(""),
    "type": Field(""),
    "version": Field("", "number"),
    "createdAt": Field("", "time"),
    "updatedAt": Field("", "time"),
    "labels": Field("", "texts"),
    "tags": Field("", "texts"),
    "config": Field("", "entries"),
}
"""Filterable fields."""
