import { Link } from "@tanstack/react-router";
import { Lesson } from "../states.tsx";

export function Missing() {
  return (
    <main>
      <Lesson title="There is no page at this address">
        <p className="mt-2 text-ink-2">
          The link may be cut off, or its project may not be yours.{" "}
          <Link to="/" className="text-accent underline underline-offset-2">
            Go to your traces
          </Link>
          .
        </p>
      </Lesson>
    </main>
  );
}
