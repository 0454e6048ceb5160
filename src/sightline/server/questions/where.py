"""A parameterized WHERE clause, always scoped to a project."""

from collections.abc import Sequence
from typing import Any

TIME = "DateTime64(6, 'UTC')"
"""Type of a bound time."""


class Where:
    """A WHERE clause with its parameters, always starting with the project.

    `str(where)` is the clause, `params` fills its places. Built in order, never from text a client wrote.
    """

    def __init__(self, project_id: str, *, by_id: bool = False) -> None:
        """`by_id`: a skip index on ids finds the rows, so `identity` keeps the project out of primary key analysis."""
        self._clauses = ["identity(project_id) = {project:String}" if by_id else "project_id = {project:String}"]
        self.params: dict[str, Any] = {"project": project_id}

    def __str__(self) -> str:
        return " AND ".join(self._clauses)

    def fork(self) -> "Where":
        """The clause of another part of the same statement: the same project and parameters, clauses of its own."""
        other = Where(self.params["project"])
        other.params = self.params
        return other

    def add(self, left: str, kind: str, value: Any) -> None:
        """`add("user_id =", "String", "ada")`; nothing is added for a value of None or an empty sequence."""
        if value is None or (isinstance(value, Sequence) and not isinstance(value, str) and not value):
            return
        self._clauses.append(f"{left} {self.place(kind, value)}")

    def add_clause(self, clause: str) -> None:
        self._clauses.append(clause)

    def place(self, kind: str, value: Any) -> str:
        """Bind `value`: its placeholder in the statement."""
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"{{{name}:{kind}}}"
