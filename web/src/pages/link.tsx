import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link as To, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { get } from "~/api/client.ts";
import { decline, join, link, session, setPassword } from "~/api/queries.ts";
import type { OneTimeLink, Session } from "~/api/types.ts";
import { Button } from "~/parts/button.tsx";
import { Entry, Field, messageOf, NewPassword, Problem } from "~/parts/entry.tsx";
import { Skeletons } from "~/parts/states.tsx";
import { useTitle } from "~/parts/title.ts";

const KEPT = "sightline.link";

/** Out of the address at once, so that neither history nor a shared screen has it; kept over a sign-in between. */
function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    sessionStorage.setItem(KEPT, token);
    history.replaceState(history.state, "", location.pathname);
  }
  return sessionStorage.getItem(KEPT);
}

function useToken(): string | null {
  const [token, setToken] = useState(takeToken);
  useEffect(() => {
    const take = () => setToken(takeToken());
    addEventListener("hashchange", take);
    return () => removeEventListener("hashchange", take);
  }, []);
  return token;
}

/** Does one thing with the link, and leads in when it gave a session. */
function useAct() {
  const router = useRouter();
  const queries = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const act = async (doing: () => Promise<Session>) => {
    setBusy(true);
    setProblem(null);
    try {
      const as = await doing();
      sessionStorage.removeItem(KEPT);
      queries.clear();
      queries.setQueryData(session.queryKey, as);
      router.history.replace("/");
    } catch (error) {
      setProblem(messageOf(error));
      setBusy(false);
    }
  };
  return { act, problem, isBusy };
}

export default function Link() {
  useTitle("One-time link");
  const token = useToken();
  const found = useQuery({ ...link(token ?? ""), enabled: Boolean(token) });
  const me = useQuery({
    queryKey: ["link", "who"],
    queryFn: ({ signal }) => get<Session>("/session", signal).catch(() => null),
  });
  if (!token || found.error) {
    const message = found.error ? messageOf(found.error) : "The address has no token: open the whole link.";
    return (
      <Entry title="This link does not work">
        <Problem>{message}</Problem>
        <SignInInstead>Sign in</SignInInstead>
      </Entry>
    );
  }
  if (!found.data || me.isPending) return <Skeletons rows={4} />;
  if (found.data.purpose === "password") return <SetPassword token={token} of={found.data} />;
  if (me.data) return <Join token={token} of={found.data} as={me.data.user.email} />;
  return <JoinAnew token={token} of={found.data} />;
}

interface LinkProps {
  token: string;
  of: OneTimeLink;
}

const passwordIn = (fields: FormData) => String(fields.get("password"));

function SetPassword({ token, of }: LinkProps) {
  const { act, problem, isBusy } = useAct();
  return (
    <Entry title="Set a new password" submit={(fields) => act(() => setPassword(token, passwordIn(fields)))}>
      <Field label="Email" type="email" readOnly value={of.email} autoComplete="username" className="mt-5" />
      <NewPassword label="New password" />
      {problem && <Problem>{problem}</Problem>}
      <Button look="primary" type="submit" disabled={isBusy} className="mt-5 h-9 w-full text-14">
        Set the password
      </Button>
      <p className="mt-4 text-12 text-ink-3">Every session of yours elsewhere ends.</p>
    </Entry>
  );
}

const Invited = ({ of }: { of: OneTimeLink }) => (
  <p className="mt-4 break-words">
    <b className="font-semibold">{of.organization}</b> invites {of.email}
    {of.role && of.role !== "NONE" && ` as ${of.role.toLowerCase()}`}.
  </p>
);

/** For somebody who is signed in: nothing joins their account unless they say so. */
function Join({ token, of, as }: LinkProps & { as: string }) {
  const { act, problem, isBusy } = useAct();
  return (
    <Entry title={`Join ${of.organization}`}>
      <Invited of={of} />
      <p className="mt-2 break-words text-ink-2">You are signed in as {as}.</p>
      {problem && <Problem>{problem}</Problem>}
      <Button
        look="primary"
        disabled={isBusy}
        onClick={() => act(() => join(token))}
        className="mt-5 h-9 w-full text-14"
      >
        Join with this account
      </Button>
      <Decline token={token} />
      <SignInInstead>Use another account</SignInInstead>
    </Entry>
  );
}

function JoinAnew({ token, of }: LinkProps) {
  const { act, problem, isBusy } = useAct();
  return (
    <Entry
      title={`Join ${of.organization}`}
      submit={(fields) => act(() => setPassword(token, passwordIn(fields)))}
    >
      <Invited of={of} />
      <Field label="Email" type="email" readOnly value={of.email} autoComplete="username" className="mt-5" />
      <NewPassword label="Password" />
      <p className="mt-1 text-12 text-ink-3">
        A new one; or, if you sign in here with this address already, the one you have: then your account
        joins.
      </p>
      {problem && <Problem>{problem}</Problem>}
      <Button look="primary" type="submit" disabled={isBusy} className="mt-5 h-9 w-full text-14">
        Join
      </Button>
      <Decline token={token} />
      <SignInInstead>Sign in with another address first</SignInInstead>
    </Entry>
  );
}

function Decline({ token }: { token: string }) {
  const router = useRouter();
  const [problem, setProblem] = useState<string | null>(null);
  const leave = async () => {
    try {
      await decline(token);
      sessionStorage.removeItem(KEPT);
      router.history.replace("/");
    } catch (error) {
      setProblem(messageOf(error));
    }
  };
  return (
    <>
      {problem && <Problem>{problem}</Problem>}
      <Button onClick={leave} className="mt-2 h-9 w-full text-14">
        Decline
      </Button>
    </>
  );
}

const SignInInstead = ({ children }: { children: string }) => (
  <p className="mt-4 text-12">
    <To to="/sign-in" search={{ to: "/link" }} className="text-accent underline">
      {children}
    </To>
  </p>
);
