import { Lesson, Snippet } from "~/parts/states.tsx";

/** What the page teaches where no model answers. */
export function NoModel() {
  return (
    <Lesson title="Ask needs a model that answers">
      <p className="mt-2 text-ink-2">
        A Sightline model runs in a process of its own and speaks HTTP. Start one, then tell the server where
        it is. The bundled tiny model needs no GPU and no download.
      </p>
      <Snippet label="Shell: a model" code="sightline endpoint sightline-tiny --port 8100" />
      <Snippet
        label="Shell: the server beside it"
        code="SIGHTLINE_MODEL_ENDPOINT_URL=http://127.0.0.1:8100 sightline server"
      />
      <p className="mt-3 text-ink-2">
        Or start both with one command: <code className="font-mono text-12">sightline demo</code>
      </p>
    </Lesson>
  );
}
