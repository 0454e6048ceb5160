import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { get, post, query, send } from "./client.ts";
import { RANGE_S } from "./ranges.ts";
import type {
  KeyDraft,
  Keys,
  Models,
  NewKey,
  Observation,
  Samples,
  Series,
  Session,
  TraceDetail,
  TracePage,
} from "./types.ts";

/** One condition of a filter, as the API takes it: `fields.ts` has the columns, the types and their operators. */
export interface Condition {
  type: string;
  column: string;
  operator: string;
  /** Which entry of the metadata, or which score. */
  key?: string;
  value?: string | number | boolean | string[];
}

/** What a trace list is narrowed to; times are absolute or relative to now. */
export interface TraceFilter {
  search?: string;
  errors?: boolean;
  environment?: string[];
  name?: string;
  userId?: string;
  sessionId?: string;
  tag?: string[];
  filter?: Condition[];
  range?: string;
  from?: string;
  to?: string;
}

function bounds({ range, from, to }: TraceFilter) {
  if (from || to) return { from, to };
  const span_s = RANGE_S[range ?? "24h"];
  return { from: span_s ? new Date(Date.now() - span_s * 1000).toISOString() : undefined };
}

function params({ range, filter: conditions, ...filter }: TraceFilter) {
  return {
    ...filter,
    filter: conditions && JSON.stringify(conditions),
    ...bounds({ range, ...filter }),
  };
}

export const session = queryOptions({
  queryKey: ["session"],
  queryFn: ({ signal }) => get<Session>("/session", signal),
  retry: false,
  staleTime: 60_000,
});

export const firstPage = (projectId: string, filter: TraceFilter) =>
  get<TracePage>(`/projects/${projectId}/traces${query({ ...params(filter), limit: 50 })}`);

export const traces = (projectId: string, filter: TraceFilter) =>
  infiniteQueryOptions({
    queryKey: ["traces", projectId, filter],
    initialPageParam: "",
    queryFn: ({ pageParam: cursor, signal }) =>
      get<TracePage>(
        `/projects/${projectId}/traces${query({ ...params(filter), limit: 50, cursor })}`,
        signal,
      ),
    getNextPageParam: (page) => page.meta.cursor ?? undefined,
  });

export const series = (projectId: string, filter: TraceFilter, buckets: number) =>
  queryOptions({
    queryKey: ["series", projectId, filter, buckets],
    queryFn: ({ signal }) =>
      get<Series>(`/projects/${projectId}/traces/series${query({ ...params(filter), buckets })}`, signal),
    placeholderData: (previous) => previous,
  });

export const trace = (projectId: string, traceId: string) =>
  queryOptions({
    queryKey: ["trace", projectId, traceId],
    queryFn: ({ signal }) =>
      get<TraceDetail>(`/projects/${projectId}/traces/${encodeURIComponent(traceId)}`, signal),
  });

export const observation = (projectId: string, traceId: string, id: string) =>
  queryOptions({
    queryKey: ["trace", projectId, traceId, "observation", id],
    queryFn: ({ signal }) =>
      get<Observation>(
        `/projects/${projectId}/traces/${encodeURIComponent(traceId)}/observations/${encodeURIComponent(id)}`,
        signal,
      ),
  });

export const models = (projectId: string) =>
  queryOptions({
    queryKey: ["models", projectId],
    queryFn: ({ signal }) => get<Models>(`/projects/${projectId}/models`, signal),
    staleTime: 30_000,
  });

export const samples = (projectId: string, modelId: string) =>
  queryOptions({
    queryKey: ["samples", projectId, modelId],
    queryFn: ({ signal }) =>
      get<Samples>(`/projects/${projectId}/models/${encodeURIComponent(modelId)}/samples`, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const keys = (projectId: string) =>
  queryOptions({
    queryKey: ["keys", projectId],
    queryFn: ({ signal }) => get<Keys>(`/projects/${projectId}/keys`, signal),
  });

export const makeKey = (projectId: string, draft: KeyDraft) =>
  post<NewKey>(`/projects/${projectId}/keys`, draft);

export const deleteKey = (projectId: string, publicKey: string) =>
  send("DELETE", `/projects/${projectId}/keys/${encodeURIComponent(publicKey)}`);

export const mediaUrl = (projectId: string, mediaId: string) =>
  `/api/web/projects/${projectId}/media/${encodeURIComponent(mediaId)}`;
