import type { ReactNode } from "react";
import { ApiError } from "~/api/client.ts";
import type { Looked, Score } from "~/api/types.ts";
import { Button, IconButton } from "~/parts/button.tsx";
import { Content } from "~/parts/content/content.tsx";
import { Fact } from "~/parts/fact.tsx";
import { cost, duration } from "~/parts/format.ts";
import { Id } from "~/parts/id.tsx";
import { Kbd } from "~/parts/kbd.tsx";
import { KINDS, KindIcon } from "~/parts/kinds.tsx";
import { LookedPanel } from "~/parts/looked/panel.tsx";
import { ScoreChip } from "~/parts/score-chip.tsx";
import { Mark, ThemeSwitch } from "~/parts/shell/rail.tsx";
import { Failure, Skeletons, Snippet } from "~/parts/states.tsx";
import { Tag } from "~/parts/tag.tsx";
import { TimingBar } from "~/parts/timing.tsx";

const SIDE = 8;

/** A bump around one patch, for a word. */
function bump(row: number, column: number): number[][] {
  const raw = Array.from({ length: SIDE }, (_, y) =>
    Array.from({ length: SIDE }, (_, x) => Math.exp(-((y - row) ** 2 + (x - column) ** 2) / 3)),
  );
  const total = raw.flat().reduce((sum, value) => sum + value, 0);
  return raw.map((line) => line.map((value) => value / total));
}

const LOOKED: Looked = {
  method: "gradient",
  words: [
    { text: "a", grid: bump(3.5, 3.5) },
    { text: " pupil", grid: bump(3.5, 3.5) },
    { text: " left", grid: bump(3.5, 1) },
    { text: " right", grid: bump(3.5, 6) },
  ],
};

const score = (
  name: string,
  dataType: Score["dataType"],
  value: number | null,
  stringValue: string | null,
): Score => ({
  id: name,
  name,
  dataType,
  value,
  stringValue,
  source: "API",
  comment: null,
  observationId: null,
});

const MESSAGES = [
  { role: "system", content: "Answer in one word." },
  { role: "user", content: [{ type: "text", text: "What colour is the five?" }] },
  { role: "assistant", content: "green" },
];

function Sample({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title} className="rounded border border-line p-4">
      <h2 className="mb-3 text-12 font-medium text-ink-2">{title}</h2>
      {children}
    </section>
  );
}

export default function Gallery() {
  return (
    <main className="mx-auto max-w-6xl space-y-4 p-4">
      <header className="flex items-center gap-2">
        <Mark />
        <h1 className="mr-auto text-16 font-semibold">Parts and their states</h1>
        <ThemeSwitch />
      </header>
      <div className="grid gap-4 md:grid-cols-2">
        <Sample title="Buttons">
          <div className="flex flex-wrap items-center gap-2">
            <Button look="primary">Ask</Button>
            <Button>Try again</Button>
            <Button look="quiet">Raw</Button>
            <Button disabled>Asking</Button>
            <IconButton label="Pressed" aria-pressed>
              <KindIcon type="AGENT" />
            </IconButton>
            <Kbd>Ctrl</Kbd>
            <Kbd>K</Kbd>
          </div>
        </Sample>
        <Sample title="Facts, tags, scores">
          <div className="flex flex-wrap items-center gap-3">
            <Fact label="Duration">{duration(842)}</Fact>
            <Fact label="Duration">{duration(1240)}</Fact>
            <Fact label="Cost">{cost(0.00042)}</Fact>
            <Tag>demo</Tag>
            <Tag tone="red">Error</Tag>
            <Tag tone="amber">Warning</Tag>
            <ScoreChip score={score("correct", "BOOLEAN", 1, null)} />
            <ScoreChip score={score("quality", "NUMERIC", 0.93, null)} />
            <ScoreChip score={score("tone", "CATEGORICAL", null, "calm")} />
            <Id value="0af7651916cd43dd8448eb211c80319c" />
          </div>
        </Sample>
        <Sample title="Kinds of observation">
          <ul className="grid grid-cols-2 gap-1">
            {Object.entries(KINDS).map(([type, { label, color }]) => (
              <li key={type} className="flex items-center gap-2" style={{ color }}>
                <KindIcon type={type} /> {label}
              </li>
            ))}
          </ul>
        </Sample>
        <Sample title="Timing">
          <TimingBar timingsMs={{ preprocess: 2.1, encode: 14.2, bridge: 4.4, prefill: 6.9, decode: 31.5 }} />
        </Sample>
        <Sample title="Conversation">
          <Content value={MESSAGES} isRaw={false} />
        </Sample>
        <Sample title="JSON">
          <Content
            value={{ tool: "search", arguments: { query: "red three", top: 5 }, hits: [1, 2, 3] }}
            isRaw={false}
          />
        </Sample>
        <Sample title="Where the model looked">
          <LookedPanel src="/icon.svg" alt="An eye" looked={LOOKED} />
        </Sample>
        <div className="space-y-4">
          <Sample title="Loading">
            <Skeletons rows={4} />
          </Sample>
          <Sample title="Failure">
            <Failure
              error={
                new ApiError(404, "LangfuseNotFoundError", "There is no trace 0af76519 in this project.")
              }
              retry={() => location.reload()}
            />
          </Sample>
          <Sample title="Snippet">
            <Snippet label="Shell" code="sightline demo" />
          </Sample>
        </div>
      </div>
    </main>
  );
}
