import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { keys } from "~/api/queries.ts";
import { Lesson, Snippet } from "~/parts/states.tsx";

const python = (publicKey: string, baseUrl: string) => `# pip install langfuse
import os
os.environ["LANGFUSE_BASE_URL"] = "${baseUrl}"
os.environ["LANGFUSE_PUBLIC_KEY"] = "${publicKey}"
os.environ["LANGFUSE_SECRET_KEY"] = "sk-lf-…"  # shown once, when the key was made

from langfuse import get_client, observe

@observe()
def answer(question: str) -> str:
    return "a red three left of a blue seven"

answer("What is in the picture?")
get_client().flush()`;

const otlp = (
  publicKey: string,
  baseUrl: string,
) => `export OTEL_EXPORTER_OTLP_ENDPOINT="${baseUrl}/api/public/otel"
export OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Basic $(printf '%s' '${publicKey}:sk-lf-…' | base64 -w0)"`;

/** What a list without any trace teaches: send one, with this project's own key. */
export function FirstTrace({ projectId }: { projectId: string }) {
  const { data } = useQuery(keys(projectId));
  const publicKey = data?.data[0]?.publicKey ?? "pk-lf-…";
  const baseUrl = data?.baseUrl ?? location.origin;
  return (
    <Lesson title="No traces yet">
      <p className="mt-2 text-ink-2">
        A trace is one request of your program: its steps, the pictures and words that went in, what came out.
        Send one with any Langfuse SDK or any OpenTelemetry exporter and it appears here by itself. Or{" "}
        <Link
          to="/project/$projectId/ask"
          params={{ projectId }}
          className="text-accent underline underline-offset-2"
        >
          ask a question about an image
        </Link>
        : the answer leaves a trace too.
      </p>
      <Snippet label="Python" code={python(publicKey, baseUrl)} />
      <Snippet label="Any OpenTelemetry exporter" code={otlp(publicKey, baseUrl)} />
      {!data?.data.length && (
        <p className="mt-3">
          <Link
            to="/project/$projectId/keys"
            params={{ projectId }}
            className="text-accent underline underline-offset-2"
          >
            Make an API key
          </Link>
        </p>
      )}
    </Lesson>
  );
}
