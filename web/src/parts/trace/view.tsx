import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Share2 } from "lucide-react";
import type { ReactNode } from "react";
import { trace } from "../../api/queries.ts";
import type { Node, TraceDetail, TraceHead } from "../../api/types.ts";
import { Ago } from "../ago.tsx";
import { CopyButton } from "../copy-button.tsx";
import { Fact } from "../fact.tsx";
import { cost, count, duration, shortId } from "../format.ts";
import { Id } from "../id.tsx";
import { ScoreChip } from "../score-chip.tsx";
import type { TracesSearch } from "../search.ts";
import { Failure, Skeletons } from "../states.tsx";
import { Tag } from "../tag.tsx";
import { Clamped } from "./clamped.tsx";
import { Detail } from "./detail.tsx";
import { Tree } from "./tree.tsx";

interface TraceViewProps {
  projectId: string;
  traceId: string;
  observationId: string | undefined;
  choose: (observationId: string) => void;
  /** Where the page leads back to. */
  back?: ReactNode;
  tools?: ReactNode;
}

/** A whole trace, in a slide-over as on its own page. */
export function TraceView({ projectId, traceId, observationId, choose, back, tools }: TraceViewProps) {
  const { data, error, refetch } = useQuery(trace(projectId, traceId));
  const selected = observationId ?? (data && first(data));
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <Header data={data} projectId={projectId} traceId={traceId} back={back} tools={tools} />
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
  data: TraceDetail | undefined;
  projectId: string;
  traceId: string;
  back?: ReactNode;
  tools?: ReactNode;
}

function Header({ data, projectId, traceId, back, tools }: HeaderProps) {
  const head = data?.trace;
  return (
    <header className="shrink-0 border-b border-line px-4 py-2">
      <div className="flex items-center gap-2">
        {back}
        <h1 dir="auto" className="min-w-0 truncate text-16 font-semibold" title={head?.name ?? undefined}>
          {traceName(head, traceId)}
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
      {data && <HeadFacts data={data} projectId={projectId} />}
    </header>
  );
}

export const traceName = (head: TraceHead | undefined, traceId: string): string =>
  head?.name || `Trace ${shortId(traceId)}`;

interface NarrowedProps {
  projectId: string;
  by: TracesSearch;
  className?: string;
  title: string;
  children: ReactNode;
}

/** Leads to the list, narrowed to what shares this value. */
function Narrowed({ projectId, by, className = "", title, children }: NarrowedProps) {
  return (
    <Link
      to="/project/$projectId/traces"
      params={{ projectId }}
      search={{ ...by, range: "all" }}
      title={title}
      className={`rounded-sm hover:underline ${className}`}
    >
      {children}
    </Link>
  );
}

function HeadFacts({
  data: { trace: head, observations },
  projectId,
}: {
  data: TraceDetail;
  projectId: string;
}) {
  return (
    <div className="mt-0.5 space-y-1">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <span className="text-ink-2">
          <Ago at={head.timestamp} />
        </span>
        <Fact label="Duration">{isTimed(observations) ? duration(head.latencyMs) : "–"}</Fact>
        {head.totalTokens ? <Fact label="Tokens">{count(head.totalTokens)}</Fact> : null}
        {head.totalCostUsd !== null && <Fact label="Cost">{cost(head.totalCostUsd)}</Fact>}
        <Fact label="Environment">
          <Short text={head.environment} />
        </Fact>
        {head.userId && (
          <Fact label="User">
            <Narrowed
              projectId={projectId}
              className="inline-flex"
              by={{ userId: head.userId }}
              title={head.userId}
            >
              <Short text={head.userId} />
            </Narrowed>
            <span className="-my-1 inline-flex align-middle">
              <CopyButton text={head.userId} label="Copy user id" />
            </span>
          </Fact>
        )}
        {head.sessionId && (
          <Fact label="Session">
            <Narrowed
              projectId={projectId}
              className="inline-flex"
              by={{ sessionId: head.sessionId }}
              title={head.sessionId}
            >
              <Short text={head.sessionId} />
            </Narrowed>
            <span className="-my-1 inline-flex align-middle">
              <CopyButton text={head.sessionId} label="Copy session id" />
            </span>
          </Fact>
        )}
        {head.release && (
          <Fact label="Release">
            <Short text={head.release} />
          </Fact>
        )}
      </div>
      <Clamped what="tags" lines={1}>
        {head.tags.map((tag) => (
          <Narrowed key={tag} projectId={projectId} by={{ tag: [tag] }} title={tag} className="inline-flex">
            <Tag>{tag}</Tag>
          </Narrowed>
        ))}
      </Clamped>
      <Clamped what="scores" lines={2}>
        {head.scores.map((score) => (
          <ScoreChip key={score.id} score={score} />
        ))}
      </Clamped>
    </div>
  );
}

/** A trace without spans, or whose only spans still run, has no duration yet. */
const isTimed = (observations: Node[]): boolean =>
  observations.some(({ endTime, type }) => endTime || type === "EVENT");

function Short({ text }: { text: string }) {
  return (
    <span title={text} className="inline-flex max-w-40 align-top">
      <bdi className="truncate">{text}</bdi>
    </span>
  );
}
