"""What goes with what: every place that keeps data of users, and what becomes of it in each deletion.

Deletions are compiled from this (`store.py`), the guide's page is made from it (`documented.py`), and a test fails when
a table, a column that names an object, or an entry of the data folder is not here.
"""

from collections.abc import Sequence

from sightline.server.upkeep.records import How, Place, Thing, Tie

T, H = Thing, How
OF_PROJECT = Tie(T.PROJECT, "project_id", H.CASCADE)
RELATIONAL: Sequence[Place] = (
    Place("organizations", "relational table", "organisations", (Tie(T.ORGANIZATION, "id"),)),
    Place(
        "projects",
        "relational table",
        "projects",
        (Tie(T.PROJECT, "id"), Tie(T.ORGANIZATION, "organization_id", H.CASCADE)),
    ),
    Place(
        "users",
        "relational table",
        "people and invitations: address, name, password hash",
        (
            Tie(T.PERSON, "id"),
            Tie(T.PERSON, "account_id", H.CASCADE, note="What other organisations call an account goes with it."),
            Tie(
                T.ORGANIZATION,
                "made_by",
                H.STAYS,
                note="An account stays, it is its person's; invitations go, and names of others' accounts.",
            ),
        ),
    ),
    Place(
        "memberships",
        "relational table",
        "roles in organisations",
        (Tie(T.ORGANIZATION, "organization_id", H.CASCADE), Tie(T.PERSON, "user_id", H.CASCADE)),
    ),
    Place(
        "project_memberships",
        "relational table",
        "roles in projects",
        (OF_PROJECT, Tie(T.PERSON, "user_id", H.CASCADE)),
    ),
    Place("sessions", "relational table", "sessions of signed-in people", (Tie(T.PERSON, "user_id", H.CASCADE),)),
    Place("sign_in_links", "relational table", "one-time sign-in links", (Tie(T.PERSON, "user_id", H.CASCADE),)),
    Place(
        "api_keys",
        "relational table",
        "keys of projects (hashes)",
        (OF_PROJECT, Tie(T.PERSON, "project_id", H.STAYS, note="A key is the project's, whoever made it.")),
    ),
    Place(
        "organization_keys",
        "relational table",
        "keys of organisations (hashes)",
        (
            Tie(T.ORGANIZATION, "organization_id", H.CASCADE),
            Tie(T.PERSON, "organization_id", H.STAYS, note="A key is the organisation's, whoever made it."),
        ),
    ),
    Place(
        "media",
        "relational table",
        "uploaded and inline files: digest, type, size",
        (
            OF_PROJECT,
            *(Tie(thing, "id", H.LAST_USE) for thing in (T.TRACE, T.SESSION, T.ITEM, T.DATASET, T.MEDIA)),
            Tie(T.AGE, "used_at", H.LAST_USE, note="At the latest a day after its last use is too old."),
        ),
    ),
    Place(
        "media_links",
        "relational table",
        "use counts of files",
        (
            OF_PROJECT,
            Tie(T.TRACE, "trace_id"),
            Tie(T.OBSERVATION, "observation_id"),
            Tie(T.ITEM, "observation_id", when={"trace_id": ""}),
            Tie(T.MEDIA, "media_id", H.CASCADE),
        ),
    ),
    Place(
        "comments",
        "relational table",
        "comments",
        (
            OF_PROJECT,
            *(
                Tie(thing, "object_id", when={"object_type": kind})
                for thing, kind in (
                    (T.TRACE, "TRACE"),
                    (T.OBSERVATION, "OBSERVATION"),
                    (T.SESSION, "SESSION"),
                    (T.PROMPT, "PROMPT"),
                )
            ),
            Tie(T.COMMENT, "id"),
            Tie(T.PERSON, "author_user_id", H.NAMELESS),
        ),
    ),
    Place("annotation_queues", "relational table", "annotation queues", (OF_PROJECT, Tie(T.QUEUE, "id"))),
    Place(
        "annotation_queue_items",
        "relational table",
        "what is queued",
        (
            OF_PROJECT,
            *(
                Tie(thing, "object_id", when={"object_type": kind})
                for thing, kind in ((T.TRACE, "TRACE"), (T.OBSERVATION, "OBSERVATION"), (T.SESSION, "SESSION"))
            ),
            Tie(T.QUEUE, "queue_id", H.CASCADE),
        ),
    ),
    Place(
        "annotation_queue_assignments",
        "relational table",
        "who works through a queue",
        (Tie(T.QUEUE, "queue_id", H.CASCADE), Tie(T.PERSON, "user_id", H.CASCADE)),
    ),
    Place("feedback", "relational table", "feedback on the platform", (OF_PROJECT,)),
    Place("datasets", "relational table", "datasets", (OF_PROJECT, Tie(T.DATASET, "id"))),
    Place(
        "dataset_items",
        "relational table",
        "dataset items, every version",
        (
            OF_PROJECT,
            Tie(T.DATASET, "dataset_id", H.CASCADE),
            Tie(T.ITEM, "id"),
            Tie(
                T.TRACE,
                "source_trace_id",
                H.STAYS,
                note="An item made from a trace is a copy: an object of its own, which keeps the trace's id.",
            ),
            Tie(T.OBSERVATION, "source_observation_id", H.STAYS),
        ),
    ),
    Place(
        "dataset_runs",
        "relational table",
        "runs over datasets",
        (OF_PROJECT, Tie(T.DATASET, "dataset_id", H.CASCADE), Tie(T.RUN, "id")),
    ),
    Place(
        "dataset_run_items",
        "relational table",
        "which trace ran which item",
        (
            OF_PROJECT,
            Tie(T.RUN, "run_id", H.CASCADE),
            Tie(T.ITEM, "item_id"),
            Tie(T.TRACE, "trace_id"),
            Tie(T.OBSERVATION, "observation_id"),
        ),
    ),
    Place("score_configs", "relational table", "what scores may look like", (OF_PROJECT,)),
    Place("prompts", "relational table", "prompts by name", (OF_PROJECT, Tie(T.PROMPT, "id"))),
    Place(
        "prompt_versions",
        "relational table",
        "texts of prompts",
        (Tie(T.PROMPT, "prompt_id", H.CASCADE), Tie(T.PERSON, "created_by", H.NAMELESS)),
    ),
    Place("prompt_labels", "relational table", "labels of prompts", (Tie(T.PROMPT, "prompt_id", H.CASCADE),)),
    Place("prompt_tags", "relational table", "tags of prompts", (Tie(T.PROMPT, "prompt_id", H.CASCADE),)),
    Place(
        "prompt_references",
        "relational table",
        "which prompt includes which",
        (OF_PROJECT, Tie(T.PROMPT, "parent_id", H.CASCADE)),
    ),
    Place(
        "skill_versions",
        "relational table",
        "skills of agents",
        (OF_PROJECT, Tie(T.SKILL, "id"), Tie(T.PERSON, "created_by", H.NAMELESS)),
    ),
    Place(
        "skill_contents",
        "relational table",
        "files of skills",
        (OF_PROJECT, Tie(T.SKILL, "sha256_base64", H.LAST_USE)),
    ),
    Place("models", "relational table", "models with their prices", (OF_PROJECT,)),
    Place("llm_connections", "relational table", "sealed keys to providers", (OF_PROJECT,)),
    Place("dashboards", "relational table", "dashboards", (OF_PROJECT,)),
    Place("dashboard_widgets", "relational table", "widgets of dashboards", (OF_PROJECT,)),
    Place("evaluators", "relational table", "evaluators", (OF_PROJECT, Tie(T.EVALUATOR, "id"))),
    Place(
        "evaluator_versions",
        "relational table",
        "definitions of evaluators",
        (OF_PROJECT, Tie(T.EVALUATOR, "evaluator_id", H.CASCADE)),
    ),
    Place("evaluation_rules", "relational table", "what evaluators are applied to", (OF_PROJECT,)),
    Place("blob_exports", "relational table", "scheduled exports and how far they are", (OF_PROJECT,)),
    Place(
        "audit_events",
        "relational table",
        "who did what, from where: ids, never names of people or contents; append-only",
        (
            Tie(T.PROJECT, "project_id", H.STAYS, note="Without the ids and names that clients chose."),
            Tie(T.ORGANIZATION, "organization_id", H.STAYS),
            Tie(
                T.PERSON, "actor_id", H.STAYS, note="An id that leads to nobody once they are erased, and IP addresses."
            ),
        ),
    ),
    Place("row_versions", "relational table", "the sequence of row versions: no data of users"),
    Place(
        "sign_in_attempts",
        "relational table",
        "wrong passwords of the last hour, by an HMAC of the name that was tried: no data of users",
    ),
    Place("leases", "relational table", "which process runs a job: no data of users"),
    Place(
        "removals",
        "relational table",
        "deletions until they are off the disk: ids, nothing else",
        (Tie(T.PROJECT, "project_id", note="With every deletion: the row goes when the bytes are off the disk."),),
    ),
    Place("alembic_version", "relational table", "which migration was run: no data of users"),
)

ANALYTICS: Sequence[Place] = (
    Place(
        "observations",
        "analytics table",
        "spans: inputs, outputs, metadata, previews",
        (
            Tie(T.PROJECT, "project_id"),
            Tie(T.TRACE, "trace_id"),
            Tie(T.SESSION, "session_id", note="With the traces of the session."),
            Tie(T.RUN, "experiment_id", H.STAYS, note="The span stays and tells of no experiment any more."),
            Tie(T.AGE, "start_time"),
        ),
    ),
    Place(
        "traces",
        "analytics table",
        "the index of traces, with previews",
        (
            Tie(T.PROJECT, "project_id"),
            Tie(T.TRACE, "trace_id"),
            Tie(T.SESSION, "session_id", note="With the traces of the session."),
            Tie(T.AGE, "last_start", note="A trace that goes on is indexed anew from what is left."),
        ),
    ),
    Place(
        "scores",
        "analytics table",
        "scores with their comments",
        (
            Tie(T.PROJECT, "project_id"),
            Tie(T.SCORE, "id"),
            Tie(T.TRACE, "trace_id"),
            Tie(T.OBSERVATION, "observation_id"),
            Tie(T.SESSION, "session_id"),
            Tie(T.RUN, "dataset_run_id"),
            Tie(T.QUEUE, "queue_id", H.STAYS),
            Tie(T.PERSON, "author_user_id", H.NAMELESS),
            Tie(T.AGE, "timestamp", note="And with its trace."),
        ),
    ),
    Place(
        "changes",
        "analytics table",
        "events of the older ingestion and log records of spans, for 31 days",
        (Tie(T.PROJECT, "project_id"), Tie(T.TRACE, "trace_id"), Tie(T.AGE, "occurred_at")),
    ),
    Place("applied_changes", "analytics table", "which migrations were run: no data of users"),
)

OF_EVERY_DELETION = "With every deletion, as its rows go."
FOLDER: Sequence[Place] = (
    Place("sightline.db", "file", "the relational tables (SQLite)", off_disk="the file is rewritten (`VACUUM`)"),
    Place("sightline.db-wal", "file", "SQLite's write-ahead log", off_disk="emptied when the file is rewritten"),
    Place("sightline.db-shm", "file", "SQLite's index of that log: no data of users"),
    Place(
        "observations",
        "folder",
        "the analytics tables (embedded engine), their parts and the statements of deletions",
        off_disk="parts with deleted rows are rewritten, and replaced parts dropped; the statement of a deletion goes "
        "with the next one's. Parts that the engine set aside as damaged (`detached`) are kept for rescue",
    ),
    Place(
        "media",
        "folder",
        "contents of files",
        (
            Tie(T.PROJECT, "the project's folder"),
            *(Tie(thing, "use count", H.LAST_USE) for thing in (T.TRACE, T.SESSION, T.ITEM, T.DATASET, T.AGE)),
        ),
        off_disk="unlinked with the row",
    ),
    Place("spool", "folder", "large requests while they are read", off_disk="unlinked at once, gone with the request"),
    Place("pepper.secret", "file", "a secret of this installation: no data of users"),
    Place("signing.secret", "file", "a secret of this installation: no data of users"),
    Place("seal.secret", "file", "a secret of this installation: no data of users"),
)

ELSEWHERE: Sequence[Place] = (
    Place("thumbnails", "memory", "small pictures, an hour", off_disk="not served once the file is deleted"),
    Place("answers of keys", "memory", "which key opens which project, ten seconds", (Tie(T.PROJECT, "key"),)),
    Place("what waits", "memory", "ids of spans to be indexed, counted or merged", off_disk="seconds"),
    Place("exported files", "elsewhere", "what was exported to a bucket", off_disk="never: they are yours"),
    Place("log", "elsewhere", "standard error of the process: ids and errors", off_disk="yours to rotate"),
    Place("browsers", "elsewhere", "pictures in caches of people who looked", off_disk="by the browser"),
)

PLACES: Sequence[Place] = (*RELATIONAL, *ANALYTICS, *FOLDER, *ELSEWHERE)

NAMES_NOTHING: dict[str, str] = {
    "annotation_queues.score_config_ids": "score configs are archived, not deleted",
    "scores.config_id": "score configs are archived, not deleted",
    "score_configs.id": "archived, not deleted",
    "observations.id": "goes with its trace",
    "observations.parent_id": "goes with its trace",
    "observations.model_id": "says which prices were applied",
    "observations.call_id": "goes with its trace",
    "observations.image_ids": "goes with its trace; uses are counted in media_links",
    "observations.user_id": "an end user in the words of the sender, no person of this installation",
    "traces.user_id": "an end user in the words of the sender, no person of this installation",
    "traces.media_id": "the picture shown in lists; uses are counted in media_links",
    "changes.subject_id": "goes with its trace",
    "changes.event_id": "goes with its trace",
    "removals.ids": "what was deleted, until it is off the disk",
    "audit_events.actor_kind": "person, key or system",
    "audit_events.target_id": "an id; a session's digest; a prompt's or skill's name, until its project goes",
    "models.tokenizer_id": "names a tokenizer",
    "blob_exports.access_key_id": "names a key of a bucket",
}
"""Columns that look like the name of an object, and why no deletion asks for them."""
