import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  notFound,
  Outlet,
  redirect,
  rootRouteId,
} from "@tanstack/react-router";
import { isSignedOut } from "./api/client.ts";
import { session } from "./api/queries.ts";
import type { Session } from "./api/types.ts";
import { readObservationSearch, readSignInSearch, readTracesSearch } from "./parts/search.ts";
import { Frame } from "./parts/shell/frame.tsx";
import { Missing, MissingPage } from "./parts/shell/missing.tsx";
import { Failure, Skeletons } from "./parts/states.tsx";

interface Context {
  queries: QueryClient;
}

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: MissingPage });

/** Whoever is not signed in signs in first and then comes back. */
async function signedIn(queries: QueryClient, to: string) {
  try {
    return await queries.ensureQueryData(session);
  } catch (error) {
    if (isSignedOut(error)) throw redirect({ to: "/sign-in", search: { to } });
    throw error;
  }
}

/** Asked anew before a project is said not to exist: somebody may just have been added to it. */
async function isMine(queries: QueryClient, projectId: string): Promise<boolean> {
  const holds = ({ projects }: Session) => projects.some(({ id }) => id === projectId);
  return (
    holds(await queries.ensureQueryData(session)) ||
    holds(await queries.fetchQuery({ ...session, staleTime: 0 }))
  );
}

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: async ({ context }) => {
    const { projects } = await signedIn(context.queries, "/");
    const kept = localStorage.getItem("sightline.project");
    const project = projects.find(({ id }) => id === kept) ?? projects[0];
    if (project) throw redirect({ to: "/project/$projectId/traces", params: { projectId: project.id } });
  },
  component: lazyRouteComponent(() => import("./pages/no-project.tsx")),
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: readSignInSearch,
  component: lazyRouteComponent(() => import("./pages/sign-in.tsx")),
});

/** What a one-time link opens: to join an organisation, or to set a password. */
const link = createRoute({
  getParentRoute: () => root,
  path: "/link",
  component: lazyRouteComponent(() => import("./pages/link.tsx")),
});

const account = createRoute({
  getParentRoute: () => root,
  path: "/account",
  beforeLoad: async ({ context }) => {
    await signedIn(context.queries, "/account");
  },
  component: lazyRouteComponent(() => import("./pages/account.tsx")),
});

const project = createRoute({
  getParentRoute: () => root,
  path: "/project/$projectId",
  beforeLoad: async ({ context, location, params }) => {
    await signedIn(context.queries, location.href);
    if (!(await isMine(context.queries, params.projectId))) throw notFound({ routeId: rootRouteId });
    localStorage.setItem("sightline.project", params.projectId);
  },
  component: Frame,
  notFoundComponent: Missing,
});

const projectHome = createRoute({
  getParentRoute: () => project,
  path: "/",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/project/$projectId/traces", params });
  },
});

const traces = createRoute({
  getParentRoute: () => project,
  path: "/traces",
  validateSearch: readTracesSearch,
  component: lazyRouteComponent(() => import("./pages/traces/page.tsx")),
});

const trace = createRoute({
  getParentRoute: () => project,
  path: "/traces/$traceId",
  validateSearch: readObservationSearch,
  component: lazyRouteComponent(() => import("./pages/trace.tsx")),
});

const ask = createRoute({
  getParentRoute: () => project,
  path: "/ask",
  component: lazyRouteComponent(() => import("./pages/ask/page.tsx")),
});

const keys = createRoute({
  getParentRoute: () => project,
  path: "/keys",
  component: lazyRouteComponent(() => import("./pages/keys.tsx")),
});

const members = createRoute({
  getParentRoute: () => project,
  path: "/members",
  component: lazyRouteComponent(() => import("./pages/members.tsx")),
});

/** Not linked from anywhere: every part in every state, for the screenshots. */
const gallery = createRoute({
  getParentRoute: () => root,
  path: "/gallery",
  component: lazyRouteComponent(() => import("./pages/gallery.tsx")),
});

const tree = root.addChildren([
  home,
  signIn,
  link,
  account,
  gallery,
  project.addChildren([projectHome, traces, trace, ask, keys, members]),
]);

export function makeRouter(queries: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queries },
    defaultPreload: "intent",
    defaultPendingMs: 100,
    defaultPendingComponent: Skeletons,
    defaultErrorComponent: ({ error, reset }) => <Failure error={error} retry={reset} />,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
