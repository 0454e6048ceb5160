import { useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { get, post } from "~/api/client.ts";
import { session } from "~/api/queries.ts";
import type { Session } from "~/api/types.ts";
import { Button } from "~/parts/button.tsx";
import { Mark } from "~/parts/shell/rail.tsx";
import { useTitle } from "~/parts/title.ts";

type Credentials = { token: string } | { email: string; password: string };

/** The one-time token that the server printed stands in the fragment, so that it reaches no log. */
const tokenInAddress = () => new URLSearchParams(location.hash.slice(1)).get("token");

function useSignIn() {
  const { to } = useSearch({ from: "/sign-in" });
  const router = useRouter();
  const queries = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const goIn = (as: Session) => {
    queries.clear();
    queries.setQueryData(session.queryKey, as);
    router.history.replace(to ?? "/");
  };
  /** A link that was used before still leads in whoever is signed in. */
  const already = (credentials: Credentials) =>
    "token" in credentials ? get<Session>("/session").catch(() => null) : null;
  const signIn = async (credentials: Credentials) => {
    setBusy(true);
    setProblem(null);
    try {
      goIn(await post<Session>("/session", credentials));
    } catch (error) {
      const known = await already(credentials);
      if (known) return goIn(known);
      setProblem(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  return { signIn, problem, isBusy };
}

const FIELD =
  "mt-1 h-9 w-full rounded border border-line-strong bg-canvas px-3 text-14 placeholder:text-ink-3 invalid:user-invalid:border-red";

export default function SignIn() {
  useTitle("Sign in");
  const { signIn, problem, isBusy } = useSignIn();
  const begin = useRef(signIn);
  begin.current = signIn;
  useEffect(() => {
    const take = () => {
      const token = tokenInAddress();
      if (!token) return;
      history.replaceState(history.state, "", location.pathname + location.search);
      begin.current({ token });
    };
    take();
    addEventListener("hashchange", take);
    return () => removeEventListener("hashchange", take);
  }, []);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    signIn({ email: String(fields.get("email")), password: String(fields.get("password")) });
  };
  return (
    <main className="flex min-h-full items-center justify-center bg-panel p-4">
      <form onSubmit={submit} className="w-full max-w-sm rounded border border-line bg-canvas p-6">
        <div className="flex items-center gap-2">
          <Mark size={22} />
          <h1 className="text-16 font-semibold">Sign in to Sightline</h1>
        </div>
        <label className="mt-5 block">
          Email
          <input name="email" type="email" required autoComplete="username" className={FIELD} />
        </label>
        <label className="mt-3 block">
          Password
          <input name="password" type="password" required autoComplete="current-password" className={FIELD} />
        </label>
        {problem && (
          <p role="alert" className="mt-3 rounded bg-red-soft px-3 py-2 text-red">
            {problem}
          </p>
        )}
        <Button look="primary" type="submit" disabled={isBusy} className="mt-5 h-9 w-full text-14">
          {isBusy ? "Signing in …" : "Sign in"}
        </Button>
        <p className="mt-4 text-12 text-ink-3">
          Or open the one-time link that the server printed when it started.
        </p>
      </form>
    </main>
  );
}
