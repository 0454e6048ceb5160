import { useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { type ReactNode, useState } from "react";
import { observation } from "../../api/queries.ts";
import type { Observation } from "../../api/types.ts";
import { Button } from "../button.tsx";
import { Content } from "../content/content.tsx";
import { JsonView } from "../content/json.tsx";
import { mediaIds } from "../content/messages.ts";
import { Picture } from "../content/picture.tsx";
import { CopyButton } from "../copy-button.tsx";
import { Fact } from "../fact.tsx";
import { cost, count, duration } from "../format.ts";
import { Id } from "../id.tsx";
import { KindIcon, kindOf } from "../kinds.tsx";
import { LookedPanel } from "../looked/panel.tsx";
import { ScoreChip } from "../score-chip.tsx";
import { Failure, Skeletons } from "../states.tsx";
import { Tag } from "../tag.tsx";
import { Clamped } from "./clamped.tsx";

interface SectionProps {
  title: string;
  copy?: string;
  tools?: ReactNode;
  isClosed?: boolean;
  children: ReactNode;
}

function Section({ title, copy, tools, isClosed, children }: SectionProps) {
  const [isOpen, setOpen] = useState(!isClosed);
  return (
    <section className="border-b border-line px-4 py-2">
      <div className="flex min-h-7 items-center gap-1">
        <h3 className="flex-1">
          <button
            type="button"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
            className="flex items-center gap-1 rounded-sm text-12 font-medium text-ink-2 hover:text-ink"
          >
            <ChevronRight
              size={12}
              className={`transition-transform duration-100 ${isOpen ? "rotate-90" : ""}`}
            />
            {title}
          </button>
        </h3>
        {isOpen && tools}
        {isOpen && copy !== undefined && <CopyButton text={copy} label={`Copy ${title.toLowerCase()}`} />}
      </div>
      {isOpen && <div className="pt-1 pb-1 pl-4">{children}</div>}
    </section>
  );
}

const isNothing = (value: unknown) => value === null || value === undefined || value === "";

/** An event is a moment and never ends. */
const isRunning = ({ type, endTime }: Observation) => endTime === null && type !== "EVENT";

const plain = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");

interface InputOrOutputProps {
  title: string;
  value: unknown;
  /** What to say where there is nothing. */
  nothing?: string;
}

function InputOrOutput({ title, value, nothing = "Nothing was recorded here." }: InputOrOutputProps) {
  const [isRaw, setRaw] = useState(false);
  const raw = (
    <Button
      look="quiet"
      aria-pressed={isRaw}
      onClick={() => setRaw(!isRaw)}
      className="h-6 text-12 aria-pressed:text-accent"
    >
      Raw
    </Button>
  );
  const isEmpty = isNothing(value);
  return (
    <Section title={title} copy={isEmpty ? undefined : plain(value)} tools={isEmpty ? undefined : raw}>
      {isEmpty ? <p className="text-ink-3">{nothing}</p> : <Content value={value} isRaw={isRaw} />}
    </Section>
  );
}

function Facts({ of }: { of: Observation }) {
  const tokens = of.totalTokens ?? (of.inputTokens ?? 0) + (of.outputTokens ?? 0);
  return (
    <div className="flex flex-wrap gap-x-4 gap-y-0.5">
      {isRunning(of) && <Tag>Still running</Tag>}
      {of.latencyMs !== null && <Fact label="Duration">{duration(of.latencyMs)}</Fact>}
      {of.timeToFirstTokenMs !== null && <Fact label="First token">{duration(of.timeToFirstTokenMs)}</Fact>}
      {of.model && (
        <Fact label="Model">
          <span className="font-mono text-12">{of.model}</span>
        </Fact>
      )}
      {tokens > 0 && (
        <Fact label="Tokens">
          {count(of.inputTokens ?? 0)} → {count(of.outputTokens ?? 0)}
        </Fact>
      )}
      {of.totalCostUsd !== null && <Fact label="Cost">{cost(of.totalCostUsd)}</Fact>}
      {of.promptName && (
        <Fact label="Prompt">
          {of.promptName} v{of.promptVersion}
        </Fact>
      )}
    </div>
  );
}

/** Images that no token in what is open below or above shows already. */
function Loose({ of }: { of: Observation }) {
  const placed = new Set([...mediaIds(of.input), ...mediaIds(of.output), ...mediaIds(metadata(of))]);
  const loose = of.images.filter((image) => !placed.has(image.mediaId));
  if (!loose.length) return null;
  return (
    <Section title="Images">
      <div className="flex flex-wrap gap-2">
        {loose.map((image) => (
          <Picture key={image.mediaId} src={image.url} alt={`In ${image.field}`} />
        ))}
      </div>
    </Section>
  );
}

const isFilled = (fields: Record<string, unknown>) => Object.keys(fields).length > 0;

function Fields({
  title,
  fields,
  isClosed,
}: {
  title: string;
  fields: Record<string, unknown>;
  isClosed?: boolean;
}) {
  if (!isFilled(fields)) return null;
  return (
    <Section title={title} copy={plain(fields)} isClosed={isClosed}>
      <JsonView value={fields} />
    </Section>
  );
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Attributes that the page shows in a better way already. */
const SHOWN_ABOVE = ["sightline.looked", "gen_ai.input.messages", "gen_ai.output.messages"];

/** What a person wrote about the observation, apart from what the exporter sent along. */
function metadata({ metadata: { attributes: _attributes, ...own } }: Observation): Record<string, unknown> {
  return own;
}

function attributes(of: Observation): Record<string, unknown> {
  const all = {
    model_parameters: isFilled(of.modelParameters) ? of.modelParameters : null,
    usage: isFilled(of.usage) ? of.usage : null,
    cost_usd: isFilled(of.costUsd) ? of.costUsd : null,
    environment: of.environment,
    version: of.version,
    id: of.id,
    ...(isRecord(of.metadata.attributes) ? of.metadata.attributes : {}),
  };
  return Object.fromEntries(
    Object.entries(all).filter(
      ([name, value]) => value !== null && value !== undefined && !SHOWN_ABOVE.includes(name),
    ),
  );
}

const MOST_LINES = 12;

/** Often a stack trace: its lines stay lines, and the first of a long one are shown until a person asks for all. */
function StatusMessage({ text, isError }: { text: string; isError: boolean }) {
  const [isWhole, setWhole] = useState(false);
  const lines = text.trimEnd().split("\n");
  const more = lines.length - MOST_LINES;
  return (
    <div className="flex items-start gap-1">
      <div className="min-w-0 flex-1">
        <pre
          dir="auto"
          className={`font-mono text-12 leading-5 break-words whitespace-pre-wrap ${isError ? "text-red" : "text-ink-2"}`}
        >
          {(isWhole ? lines : lines.slice(0, MOST_LINES)).join("\n")}
        </pre>
        {more > 0 && (
          <button
            type="button"
            aria-expanded={isWhole}
            onClick={() => setWhole(!isWhole)}
            className="rounded-sm text-12 text-accent hover:underline"
          >
            {isWhole ? "Show less" : `Show ${count(more)} more ${more === 1 ? "line" : "lines"}`}
          </button>
        )}
      </div>
      <CopyButton text={text} label="Copy status message" />
    </div>
  );
}

interface DetailProps {
  projectId: string;
  traceId: string;
  id: string;
}

/** The selected observation: what went in, what came out, where the model looked, what is known about it. */
export function Detail({ projectId, traceId, id }: DetailProps) {
  const { data: of, error, refetch } = useQuery(observation(projectId, traceId, id));
  if (error) return <Failure error={error} retry={refetch} />;
  if (!of) return <Skeletons rows={6} />;
  const picture = of.images[0];
  return (
    <article key={id} aria-label={of.name}>
      <header className="space-y-1 border-b border-line px-4 py-2">
        <div className="flex items-center gap-2">
          <KindIcon type={of.type} size={16} />
          <h2 dir="auto" className="min-w-0 truncate text-14 font-semibold" title={of.name}>
            {of.name}
          </h2>
          <span className="text-12 text-ink-3">{kindOf(of.type).label}</span>
          {of.level === "ERROR" && <Tag tone="red">Error</Tag>}
          {of.level === "WARNING" && <Tag tone="amber">Warning</Tag>}
          <span className="ml-auto">
            <Id value={of.id} />
          </span>
        </div>
        <Facts of={of} />
        {of.scores.length > 0 && (
          <Clamped what="scores" lines={2}>
            {of.scores.map((score) => (
              <ScoreChip key={score.id} score={score} />
            ))}
          </Clamped>
        )}
        {of.statusMessage && <StatusMessage text={of.statusMessage} isError={of.level === "ERROR"} />}
      </header>
      {of.looked && picture && (
        <Section title="Where the model looked">
          <LookedPanel src={picture.url} alt="What the model was shown" looked={of.looked} />
        </Section>
      )}
      <InputOrOutput title="Input" value={of.input} />
      <InputOrOutput
        title="Output"
        value={of.output}
        nothing={isRunning(of) ? "Still running: the output is shown when it arrives." : undefined}
      />
      <Loose of={of} />
      <Fields title="Metadata" fields={metadata(of)} />
      <Fields title="Attributes" fields={attributes(of)} isClosed />
    </article>
  );
}
