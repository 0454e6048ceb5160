import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { KeyRound } from "lucide-react";
import { keys, makeKey, models } from "~/api/queries.ts";
import { Button } from "~/parts/button.tsx";
import { useMay } from "~/parts/may.ts";
import { Failure, Lesson, Snippet } from "~/parts/states.tsx";

interface Pair {
  publicKey: string;
  secretKey: string;
}

const UNKNOWN: Pair = { publicKey: "pk-lf-…", secretKey: "sk-lf-…" };

const python = ({ publicKey, secretKey }: Pair, baseUrl: string) => `# pip install langfuse
import os
os.environ["LANGFUSE_BASE_URL"] = "${baseUrl}"
os.environ["LANGFUSE_PUBLIC_KEY"] = "${publicKey}"
os.environ["LANGFUSE_SECRET_KEY"] = "${secretKey}"

from langfuse import get_client, observe

@observe()
def answer(question: str) -> str:
    return "a red three left of a blue seven"

answer("What is in the picture?")
get_client().flush()`;

const otlp = (
  { publicKey, secretKey }: Pair,
  baseUrl: string,
) => `export OTEL_EXPORTER_OTLP_ENDPOINT="${baseUrl}/api/public/otel"
export OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf"
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Basic $(printf '%s' '${publicKey}:${secretKey}' | base64 | tr -d '\\n')"`;

/** What a list without any trace teaches: send one, with a key pair made for it. */
export function FirstTrace({ projectId }: { projectId: string }) {
  const queries = useQueryClient();
  const mayMake = useMay(projectId, "keys.manage");
  const { data } = useQuery({ ...keys(projectId), enabled: useMay(projectId, "keys.read") });
  const make = useMutation({
    mutationFn: () => makeKey(projectId, { note: "First trace" }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys", projectId] }),
  });
  const known = data?.data[0]?.publicKey;
  const pair = make.data ?? { ...UNKNOWN, ...(known && { publicKey: known }) };
  const baseUrl = data?.baseUrl ?? location.origin;
  return (
    <Lesson title="No traces yet">
      <p className="mt-2 text-ink-2">
        A trace is one request of your program: its steps, the pictures and words that went in, what came out.
        Send one with any Langfuse SDK or any OpenTelemetry exporter and it appears here by itself.
      </p>
      <AskHint projectId={projectId} />
      {mayMake && (
        <p className="mt-3 flex flex-wrap items-center gap-x-3 gap-y-2">
          {make.data ? (
            <span role="status">
              The snippets now hold a new key pair. Its secret is shown only here and only now.
            </span>
          ) : (
            <>
              <Button look="primary" disabled={make.isPending} onClick={() => make.mutate()}>
                <KeyRound size={14} aria-hidden="true" /> Make a key and fill it in
              </Button>
              <span className="text-12 text-ink-3">
                {known
                  ? "Or put in the secret you copied when the key was made."
                  : "This project has no key yet."}
              </span>
            </>
          )}
        </p>
      )}
      {make.error && <Failure error={make.error} />}
      <Snippet label="Python" code={python(pair, baseUrl)} />
      <Snippet label="Any OpenTelemetry exporter" code={otlp(pair, baseUrl)} />
    </Lesson>
  );
}

/** Asking a question leaves a trace too, where there is a model to ask. */
function AskHint({ projectId }: { projectId: string }) {
  const { data } = useQuery(models(projectId));
  if (!data) return null;
  const link = (text: string) => (
    <Link
      to="/project/$projectId/ask"
      params={{ projectId }}
      className="text-accent underline underline-offset-2"
    >
      {text}
    </Link>
  );
  return (
    <p className="mt-2 text-ink-2">
      {data.data.length ? (
        <>Or {link("ask a question about an image")}: the answer leaves a trace too.</>
      ) : (
        <>No model runs beside this server yet; {link("see how to start one")} to ask it about an image.</>
      )}
    </p>
  );
}
