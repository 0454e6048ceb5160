import { useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { trace } from "~/api/queries.ts";
import { useHints } from "~/live/hints.ts";
import { useTitle } from "~/parts/title.ts";
import { TraceView, traceName } from "~/parts/trace/view.tsx";

const route = getRouteApi("/project/$projectId/traces/$traceId");

export default function Trace() {
  const { projectId, traceId } = route.useParams();
  const { observation } = route.useSearch();
  const go = route.useNavigate();
  const queries = useQueryClient();
  const { data } = useQuery(trace(projectId, traceId));
  useTitle(traceName(data?.trace, traceId));
  useHints(projectId, false, () => queries.invalidateQueries({ queryKey: ["trace", projectId, traceId] }));
  return (
    <TraceView
      projectId={projectId}
      traceId={traceId}
      observationId={observation}
      choose={(next) => go({ search: { observation: next }, replace: true })}
      back={
        <Link
          to="/project/$projectId/traces"
          params={{ projectId }}
          className="inline-flex shrink-0 items-center gap-1 rounded-sm text-ink-2 hover:text-ink"
        >
          <ArrowLeft size={14} aria-hidden="true" /> Traces
        </Link>
      }
    />
  );
}
