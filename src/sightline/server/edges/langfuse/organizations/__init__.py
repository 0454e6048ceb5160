"""Organizations, projects, memberships, SCIM."""
