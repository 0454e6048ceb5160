import { Link } from "@tanstack/react-router";
import { Lesson } from "../states.tsx";
import { PageHeader } from "./header.tsx";

/** In place of a page that does not exist, inside a project or, as a page of its own, outside of any. */
export function Missing() {
  return (
    <>
      <PageHeader title="No such page" />
      <Lesson title="There is no page at this address">
        <p className="mt-2 text-ink-2">
          The link may be cut off, or its project may not be yours.{" "}
          <Link to="/" className="text-accent underline underline-offset-2">
            Go to your traces
          </Link>
          .
        </p>
      </Lesson>
    </>
  );
}

export const MissingPage = () => (
  <main>
    <Missing />
  </main>
);
