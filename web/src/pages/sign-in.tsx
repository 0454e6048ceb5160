import { useQueryClient } from "@tanstack/react-query";
import { useRouter, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { get, post } from "~/api/client.ts";
import { session } from "~/api/queries.ts";
import type { Session } from "~/api/types.ts";
import { Button } from "~/parts/button.tsx";
import { Entry, Field, messageOf, Problem } from "~/parts/entry.tsx";
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
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  return { signIn, problem, isBusy };
}

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
  const submit = (fields: FormData) =>
    signIn({ email: String(fields.get("email")), password: String(fields.get("password")) });
  return (
    <Entry title="Sign in to Sightline" submit={submit}>
      <Field label="Email" name="email" type="email" required autoComplete="username" className="mt-5" />
      <Field label="Password" name="password" type="password" required autoComplete="current-password" />
      {problem && <Problem>{problem}</Problem>}
      <Button look="primary" type="submit" disabled={isBusy} className="mt-5 h-9 w-full text-14">
        {isBusy ? "Signing in …" : "Sign in"}
      </Button>
      <p className="mt-4 text-12 text-ink-3">
        Invited? Open the link you were given. Forgotten the password? Whoever runs the server makes a link
        for a new one.
      </p>
    </Entry>
  );
}
