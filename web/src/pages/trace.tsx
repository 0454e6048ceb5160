import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useHints } from "~/live/hints.ts";
import { TraceView } from "~/parts/trace/view.tsx";

const route = getRouteApi("/project/$projectId/traces/$traceId");

export default function Trace() {
  const { projectId, traceId } = route.useParams();
  const { observation } = route.useSearch();
  const go = route.useNavigate();
  const queries = useQueryClient();
  useHints(projectId, false, () => queries.invalidateQueries({ queryKey: ["trace", projectId, traceId] }));
  return (
    <TraceView
      projectId={projectId}
      traceId={traceId}
      observationId={observation}
      choose={(next) => go({ search: { observation: next }, replace: true })}
    />
  );
}
