import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { deleteKey, keys, makeKey } from "~/api/queries.ts";
import type { Key, KeyDraft, KeyScope, NewKey } from "~/api/types.ts";
import { Ago } from "~/parts/ago.tsx";
import { Button, IconButton } from "~/parts/button.tsx";
import { Confirm } from "~/parts/confirm.tsx";
import { CopyButton } from "~/parts/copy-button.tsx";
import { fullTime } from "~/parts/format.ts";
import { useMay } from "~/parts/may.ts";
import { PageHeader } from "~/parts/shell/header.tsx";
import { Failure, Skeletons, Snippet } from "~/parts/states.tsx";

const route = getRouteApi("/project/$projectId/keys");
const NOTE_LENGTH = 100;

const environment = ({ publicKey, secretKey }: NewKey, baseUrl: string) => `LANGFUSE_BASE_URL="${baseUrl}"
LANGFUSE_PUBLIC_KEY="${publicKey}"
LANGFUSE_SECRET_KEY="${secretKey}"`;

const SCOPES: [scope: KeyScope, meaning: string][] = [
  ["ingest", "send traces and files"],
  ["read", "read everything"],
  ["write", "write prompts, datasets, scores and the like"],
  ["scores", "write scores only"],
  ["admin", "all that a key can do, deletions too"],
];
const CHOSEN: KeyScope[] = ["ingest", "read", "write", "scores"];
const DAY_MS = 86_400_000;
const LIFETIMES: [days: string, label: string][] = [
  ["", "never"],
  ["30", "in 30 days"],
  ["90", "in 90 days"],
  ["365", "in a year"],
];

function draftOf(form: FormData): KeyDraft {
  const days = Number(form.get("days"));
  return {
    note: String(form.get("note")),
    scopes: form.getAll("scope") as KeyScope[],
    expiresAt: days ? new Date(Date.now() + days * DAY_MS).toISOString() : null,
  };
}

function useKeyChanges(projectId: string) {
  const queries = useQueryClient();
  const onSuccess = () => queries.invalidateQueries({ queryKey: ["keys", projectId] });
  const make = useMutation({ mutationFn: (draft: KeyDraft) => makeKey(projectId, draft), onSuccess });
  const remove = useMutation({
    mutationFn: (publicKey: string) => deleteKey(projectId, publicKey),
    onSuccess: (_, publicKey) => {
      if (make.data?.publicKey === publicKey) make.reset();
      return onSuccess();
    },
  });
  return { make, remove };
}

export default function Keys() {
  const { projectId } = route.useParams();
  const { data, error, refetch } = useQuery(keys(projectId));
  const { make, remove } = useKeyChanges(projectId);
  const mayChange = useMay(projectId, "keys.manage");
  const [doomed, setDoomed] = useState<Key | null>(null);
  const close = () => {
    setDoomed(null);
    remove.reset();
  };
  return (
    <>
      <PageHeader title="API keys" />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="max-w-3xl p-4">
          <p className="text-ink-2">
            Programs send traces with a key pair. The secret half is shown once, when the pair is made.
          </p>
          {mayChange && <MakeKey isBusy={make.isPending} make={(draft) => make.mutate(draft)} />}
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
            <ul aria-label="API keys" className="mt-4 rounded border border-line">
              {data.data.map((key) => (
                <KeyRow key={key.publicKey} of={key} remove={mayChange ? () => setDoomed(key) : undefined} />
              ))}
              {!data.data.length && <li className="px-3 py-2 text-ink-2">This project has no key yet.</li>}
            </ul>
          )}
        </div>
      </div>
      {doomed && (
        <Confirm
          title="Delete this key?"
          verb="Delete the key"
          isBusy={remove.isPending}
          act={() => remove.mutate(doomed.publicKey, { onSuccess: close })}
          close={close}
        >
          <p className="font-mono text-12 break-all">{doomed.publicKey}</p>
          {doomed.note && <p className="break-words">{doomed.note}</p>}
          <p className="mt-2 text-ink-2">
            <LastUsed at={doomed.lastUsedAt} />. Programs that still use it are refused at once. A deleted key
            cannot be brought back.
          </p>
          {remove.error && <Failure error={remove.error} />}
        </Confirm>
      )}
    </>
  );
}

function MakeKey({ isBusy, make }: { isBusy: boolean; make: (draft: KeyDraft) => void }) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    make(draftOf(new FormData(event.currentTarget)));
    event.currentTarget.reset();
  };
  return (
    <form onSubmit={submit} className="mt-3 flex flex-wrap items-end gap-2">
      <label className="min-w-40 flex-1 text-12 text-ink-2">
        Note (optional)
        <input
          name="note"
          maxLength={NOTE_LENGTH}
          autoComplete="off"
          placeholder="What the key is for"
          className="mt-1 h-7 w-full rounded border border-line-strong bg-canvas px-2 text-13 text-ink placeholder:text-ink-3"
        />
      </label>
      <label className="text-12 text-ink-2">
        Expires
        <select
          name="days"
          className="mt-1 block h-7 rounded border border-line-strong bg-canvas px-2 text-13 text-ink"
        >
          {LIFETIMES.map(([days, label]) => (
            <option key={days} value={days}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <fieldset className="w-full text-12 text-ink-2">
        <legend>The key may</legend>
        <div className="mt-1 flex flex-wrap gap-x-4 gap-y-1">
          {SCOPES.map(([scope, meaning]) => (
            <label key={scope} className="inline-flex items-center gap-1.5">
              <input type="checkbox" name="scope" value={scope} defaultChecked={CHOSEN.includes(scope)} />
              <span>
                <span className="text-ink">{scope}</span>: {meaning}
              </span>
            </label>
          ))}
        </div>
      </fieldset>
      <Button look="primary" type="submit" disabled={isBusy}>
        <Plus size={14} aria-hidden="true" /> Make a key
      </Button>
    </form>
  );
}

const LastUsed = ({ at }: { at: string | null }) => <>Last used: {at ? <Ago at={at} /> : "never"}</>;

function KeyRow({ of: key, remove }: { of: Key; remove?: () => void }) {
  return (
    <li className="flex items-center gap-2 border-b border-line px-3 py-1.5 last:border-b-0">
      <div className="min-w-0 flex-1">
        {key.note && <p className="break-words">{key.note}</p>}
        <div className="flex flex-wrap items-center gap-x-4">
          <span className="inline-flex min-w-0 items-center font-mono text-12">
            <span className="truncate">{key.publicKey}</span>
            <CopyButton text={key.publicKey} label="Copy public key" />
          </span>
          <span className="font-mono text-12 text-ink-3">{key.displaySecretKey}</span>
        </div>
        <p className="text-12 text-ink-3">
          May: {key.scopes.join(", ")} · Made: <Ago at={key.createdAt} /> · <LastUsed at={key.lastUsedAt} />
          {key.expiresAt && <Ends at={key.expiresAt} />}
        </p>
      </div>
      {remove && (
        <IconButton label={`Delete ${key.note ?? key.publicKey}`} onClick={remove}>
          <Trash2 size={14} />
        </IconButton>
      )}
    </li>
  );
}

function Ends({ at }: { at: string }) {
  const hasEnded = Date.parse(at) <= Date.now();
  return (
    <>
      {hasEnded ? " · Ended: " : " · Ends: "}
      <time dateTime={at}>{fullTime(at)}</time>
    </>
  );
}
