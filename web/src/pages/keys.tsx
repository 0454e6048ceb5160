import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { post } from "~/api/client.ts";
import { keys } from "~/api/queries.ts";
import type { NewKey } from "~/api/types.ts";
import { Ago, CopyButton } from "~/parts/bits.tsx";
import { Button } from "~/parts/button.tsx";
import { PageHeader } from "~/parts/shell/header.tsx";
import { Failure, Skeletons, Snippet } from "~/parts/states.tsx";

const route = getRouteApi("/project/$projectId/keys");

const environment = ({ publicKey, secretKey }: NewKey, baseUrl: string) => `LANGFUSE_BASE_URL="${baseUrl}"
LANGFUSE_PUBLIC_KEY="${publicKey}"
LANGFUSE_SECRET_KEY="${secretKey}"`;

export default function Keys() {
  const { projectId } = route.useParams();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery(keys(projectId));
  const make = useMutation({
    mutationFn: () => post<NewKey>(`/projects/${projectId}/keys`, {}),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["keys", projectId] }),
  });
  return (
    <>
      <PageHeader title="API keys">
        <Button look="primary" disabled={make.isPending} onClick={() => make.mutate()}>
          <Plus size={14} aria-hidden="true" /> Make a key
        </Button>
      </PageHeader>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="max-w-3xl p-4">
          <p className="text-ink-2">
            Programs send traces with a key pair. The secret half is shown once, when the pair is made.
          </p>
          {make.error && <Failure error={make.error} />}
          {make.data && data && (
            <Snippet
              label="Your new key pair. Copy the secret now"
              code={environment(make.data, data.baseUrl)}
            />
          )}
          {error && <Failure error={error} retry={refetch} />}
          {!data && !error && <Skeletons rows={3} />}
          {data && (
            <ul className="mt-4 rounded border border-line">
              {data.data.map((key) => (
                <li
                  key={key.publicKey}
                  className="flex flex-wrap items-center gap-x-4 border-b border-line px-3 py-1.5 last:border-b-0"
                >
                  <span className="inline-flex min-w-0 items-center font-mono text-12">
                    <span className="truncate">{key.publicKey}</span>
                    <CopyButton text={key.publicKey} label="Copy public key" />
                  </span>
                  <span className="font-mono text-12 text-ink-3">{key.displaySecretKey}</span>
                  <span className="ml-auto text-12 text-ink-3">
                    last used: {key.lastUsedAt ? <Ago at={key.lastUsedAt} /> : "never"} · made:{" "}
                    <Ago at={key.createdAt} />
                  </span>
                </li>
              ))}
              {!data.data.length && <li className="px-3 py-2 text-ink-2">This project has no key yet.</li>}
            </ul>
          )}
        </div>
      </div>
    </>
  );
}
