"""Roles as Langfuse's clients know them: four, so that an annotator is a VIEWER to them.

Written, VIEWER means a viewer; ANNOTATOR is taken too, from who knows it.
"""

from sightline.server.accounts.records import OrganizationRole


def wire_role(role: OrganizationRole) -> str:
    return "VIEWER" if role == "ANNOTATOR" else role
