import { Link } from "@tanstack/react-router";
import { Lesson, Snippet } from "~/parts/states.tsx";
import { useTitle } from "~/parts/title.ts";

export default function NoProject() {
  useTitle("No project");
  return (
    <main>
      <Lesson title="You are in no project yet">
        <p className="mt-2 text-ink-2">
          Ask an owner to invite you and open the link they give you, or start the server with a first project
          of its own:
        </p>
        <Snippet
          label="Shell"
          code={"SIGHTLINE_INIT_PROJECT_ID=demo SIGHTLINE_INIT_PROJECT_NAME=Demo sightline server"}
        />
        <p className="mt-4">
          <Link to="/account" className="text-accent underline">
            My account
          </Link>
        </p>
      </Lesson>
    </main>
  );
}
