import { useQuery } from "@tanstack/react-query";
import { Share2 } from "lucide-react";
import type { ReactNode } from "react";
import { trace } from "../../api/queries.ts";
import type { TraceDetail, TraceHead } from "../../api/types.ts";
import { Ago, CopyButton, Fact, Id, ScoreChip, Tag } from "../bits.tsx";
import { cost, count, duration, shortId } from "../format.ts";
import { Failure, Skeletons } from "../states.tsx";
import { Detail } from "./detail.tsx";
import { Tree } from "./tree.tsx";

interface TraceViewProps {
  projectId: string;
  traceId: string;
  observationId: string | undefined;
  choose: (observationId: string) => void;
  tools?: ReactNode;
}

/** A whole trace, in a slide-over as on its own page. */
export function TraceView({ projectId, traceId, observationId, choose, tools }: TraceViewProps) {
  const { data, error, refetch } = useQuery(trace(projectId, traceId));
  const selected = observationId ?? (data && first(data));
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <Header head={data?.trace} projectId={projectId} traceId={traceId} tools={tools} />
      {error && <Failure error={error} retry={refetch} />}
      {!data && !error && <Skeletons rows={8} height={28} />}
      {data && (
        <div className="flex min-h-0 flex-1 flex-col lg:flex-row">
          <div className="flex max-h-[34vh] min-h-0 shrink-0 flex-col border-b border-line lg:max-h-none lg:w-[40%] lg:max-w-[560px] lg:border-r lg:border-b-0">
            <Tree nodes={data.observations} selected={selected} choose={choose} />
          </div>
          <div
            className="min-h-0 min-w-0 flex-1 overflow-y-auto"
            tabIndex={0}
            role="region"
            aria-label="Observation"
          >
            {selected && <Detail key={selected} projectId={projectId} traceId={traceId} id={selected} />}
          </div>
        </div>
      )}
    </div>
  );
}

/** What a person most likely came for: the first generation of a trace that has one, else its beginning. */
function first({ observations }: TraceDetail): string | undefined {
  const roots = observations.filter((node) => node.parentId === null);
  const generations = observations.filter((node) => node.type === "GENERATION");
  return (generations.length === 1 ? generations[0] : (roots[0] ?? observations[0]))?.id;
}

interface HeaderProps {
  head: TraceHead | undefined;
  projectId: string;
  traceId: string;
  tools?: ReactNode;
}

function Header({ head, projectId, traceId, tools }: HeaderProps) {
  return (
    <header className="shrink-0 border-b border-line px-4 py-2">
      <div className="flex items-center gap-2">
        <h1 className="min-w-0 truncate text-16 font-semibold">
          {head?.name || `Trace ${shortId(traceId)}`}
        </h1>
        {head && head.errorCount > 0 && <Tag tone="red">{count(head.errorCount)} with errors</Tag>}
        <span className="hidden sm:inline">
          <Id value={traceId} />
        </span>
        <span className="ml-auto flex shrink-0 items-center">
          <CopyButton
            text={`${location.origin}/project/${projectId}/traces/${encodeURIComponent(traceId)}`}
            label="Copy link"
            icon={<Share2 size={15} />}
          />
          {tools}
        </span>
      </div>
      {head && <HeadFacts head={head} />}
    </header>
  );
}

function HeadFacts({ head }: { head: TraceHead }) {
  return (
    <div className="mt-0.5 flex flex-wrap items-center gap-x-4 gap-y-1">
      <span className="text-ink-2">
        <Ago at={head.timestamp} />
      </span>
      <Fact label="Duration">{duration(head.latencyMs)}</Fact>
      {head.totalTokens ? <Fact label="Tokens">{count(head.totalTokens)}</Fact> : null}
      {head.totalCostUsd !== null && <Fact label="Cost">{cost(head.totalCostUsd)}</Fact>}
      <Fact label="Environment">{head.environment}</Fact>
      {head.userId && <Fact label="User">{head.userId}</Fact>}
      {head.sessionId && <Fact label="Session">{head.sessionId}</Fact>}
      {head.release && <Fact label="Release">{head.release}</Fact>}
      {head.tags.map((tag) => (
        <Tag key={tag}>{tag}</Tag>
      ))}
      {head.scores.map((score) => (
        <ScoreChip key={score.id} score={score} />
      ))}
    </div>
  );
}
