import { useQuery } from "@tanstack/react-query";
import { session } from "../api/queries.ts";
import type { Verb } from "../api/types.ts";

/** Whether the table of permissions lets this person do it here; the server decides again on every call. */
export function useMay(projectId: string, verb: Verb): boolean {
  const { data } = useQuery(session);
  return data?.projects.find(({ id }) => id === projectId)?.may.includes(verb) ?? false;
}
