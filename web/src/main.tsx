import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError, whenSignedOut } from "./api/client.ts";
import { session } from "./api/queries.ts";
import { watchReach } from "./api/reach.ts";
import { makeRouter } from "./router.tsx";
import "./styles.css";

const isFinal = (error: unknown) => error instanceof ApiError && error.status < 500;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && !isFinal(error),
    },
    mutations: { networkMode: "always" },
  },
});
const router = makeRouter(queries);
watchReach();
whenSignedOut(async () => {
  const { href, pathname } = router.latestLocation;
  if (pathname === "/sign-in") return;
  queries.removeQueries(session);
  await router.navigate({ to: "/sign-in", search: { to: href }, replace: true });
  queries.clear();
});
const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element with id root");

createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
