import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useRef } from "react";
import { changePassword, endOtherSessions, endSession, session, sessions } from "~/api/queries.ts";
import type { OpenSession } from "~/api/types.ts";
import { Ago } from "~/parts/ago.tsx";
import { Button } from "~/parts/button.tsx";
import { Field, NewPassword } from "~/parts/entry.tsx";
import { fullTime } from "~/parts/format.ts";
import { PageHeader } from "~/parts/shell/header.tsx";
import { Mark } from "~/parts/shell/rail.tsx";
import { signOut } from "~/parts/shell/sign-out.ts";
import { Failure, Skeletons } from "~/parts/states.tsx";
import { Tag } from "~/parts/tag.tsx";

export default function Account() {
  const { data } = useQuery(session);
  return (
    <main className="flex h-dvh flex-col">
      <PageHeader title="My account">
        <Button onClick={signOut}>Sign out</Button>
        <Link to="/" className="inline-flex items-center gap-1.5 text-accent">
          <Mark size={15} /> To the traces
        </Link>
      </PageHeader>
      <div className="min-h-0 flex-1 overflow-y-auto">
        <div className="max-w-3xl space-y-8 p-4">
          {data && (
            <p className="break-words">
              {data.user.name && <b className="mr-2 font-semibold">{data.user.name}</b>}
              <span className="text-ink-2">{data.user.email}</span>
            </p>
          )}
          {data && <Password hasOne={data.hasPassword} />}
          <Sessions />
        </div>
      </div>
    </main>
  );
}

function Password({ hasOne }: { hasOne: boolean }) {
  const queries = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const change = useMutation({
    mutationFn: (fields: FormData) =>
      changePassword(hasOne ? String(fields.get("current")) : undefined, String(fields.get("password"))),
    onSuccess: async () => {
      form.current?.reset();
      await Promise.all([queries.invalidateQueries(session), queries.invalidateQueries(sessions)]);
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    change.mutate(new FormData(event.currentTarget));
  };
  return (
    <section aria-labelledby="password">
      <h2 id="password" className="text-14 font-semibold">
        {hasOne ? "Change the password" : "Set a password"}
      </h2>
      {!hasOne && (
        <p className="mt-1 text-ink-2">
          You signed in by a link. With a password you come back without one, and the server prints no more.
        </p>
      )}
      <form ref={form} onSubmit={submit} className="max-w-sm">
        {hasOne && (
          <Field
            label="Current password"
            name="current"
            type="password"
            required
            autoComplete="current-password"
          />
        )}
        <NewPassword label="New password" />
        <Button look="primary" type="submit" disabled={change.isPending} className="mt-3">
          {hasOne ? "Change the password" : "Set the password"}
        </Button>
      </form>
      {change.error && <Failure error={change.error} />}
      {change.isSuccess && (
        <p role="status" className="mt-2 text-ink-2">
          The password is set. Every other session of yours has ended.
        </p>
      )}
    </section>
  );
}

function Sessions() {
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery(sessions);
  const onSuccess = () => queries.invalidateQueries(sessions);
  const end = useMutation({ mutationFn: endSession, onSuccess });
  const endOthers = useMutation({ mutationFn: endOtherSessions, onSuccess });
  const isBusy = end.isPending || endOthers.isPending;
  return (
    <section aria-labelledby="sessions">
      <div className="flex items-center justify-between gap-2">
        <h2 id="sessions" className="text-14 font-semibold">
          Where you are signed in
        </h2>
        {data && data.data.length > 1 && (
          <Button disabled={isBusy} onClick={() => endOthers.mutate()}>
            End all others
          </Button>
        )}
      </div>
      {error && <Failure error={error} retry={refetch} />}
      {(end.error ?? endOthers.error) && <Failure error={end.error ?? endOthers.error} />}
      {!data && !error && <Skeletons rows={3} />}
      {data && (
        <ul aria-label="Sessions" className="mt-3 rounded border border-line">
          {data.data.map((each) => (
            <SessionRow key={each.id} of={each} isBusy={isBusy} end={() => end.mutate(each.id)} />
          ))}
        </ul>
      )}
    </section>
  );
}

function SessionRow({ of, isBusy, end }: { of: OpenSession; isBusy: boolean; end: () => void }) {
  return (
    <li className="flex items-center gap-2 border-b border-line px-3 py-1.5 last:border-b-0">
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-2">
          <span title={of.browser ?? undefined}>{browserOf(of.browser)}</span>
          {of.isCurrent && <Tag>This browser</Tag>}
        </p>
        <p className="text-12 text-ink-3">
          Since: <Ago at={of.createdAt} /> · Ends:{" "}
          <time dateTime={of.expiresAt}>{fullTime(of.expiresAt)}</time>
          {of.address && ` · From: ${of.address}`}
        </p>
      </div>
      {!of.isCurrent && (
        <Button disabled={isBusy} onClick={end}>
          End
        </Button>
      )}
    </li>
  );
}

/** The first that a User-Agent names: later ones stand in the texts of others, which imitate each other. */
const BROWSERS = { Firefox: "Firefox/", Edge: "Edg/", Opera: "OPR/", Chrome: "Chrome/", Safari: "Safari/" };
const SYSTEMS = {
  Android: "Android",
  iPhone: "iPhone",
  iPad: "iPad",
  Windows: "Windows",
  macOS: "Mac OS",
  Linux: "Linux",
};

function browserOf(userAgent: string | null): string {
  const named = (names: Record<string, string>) =>
    Object.entries(names).find(([, mark]) => userAgent?.includes(mark))?.[0];
  const browser = named(BROWSERS) ?? userAgent?.split("/")[0] ?? "Unknown browser";
  const system = named(SYSTEMS);
  return system ? `${browser} on ${system}` : browser;
}
