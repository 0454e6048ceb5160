import { Link } from "@tanstack/react-router";
import { ArrowUpRight } from "lucide-react";
import { Fact } from "~/parts/fact.tsx";
import { count } from "~/parts/format.ts";
import type { LookedState } from "~/parts/looked/state.ts";
import { LookedWords } from "~/parts/looked/words.tsx";
import { TimingBar } from "~/parts/timing.tsx";
import type { Turn } from "./kept.ts";

interface TurnCardProps {
  projectId: string;
  turn: Turn;
  state: LookedState;
  activate: () => void;
}

/** One question and its answer. */
export function TurnCard({ projectId, turn, state, activate }: TurnCardProps) {
  const { question, text, done, problem } = turn;
  const isWaiting = !done && !problem;
  return (
    <article
      className="space-y-2 border-b border-line py-3 last:border-b-0"
      onPointerEnter={activate}
      onFocus={activate}
      aria-busy={isWaiting}
    >
      <p dir="auto" className="text-ink-2">
        {question ?? "Describe the image"}
      </p>
      {problem ? (
        <p role="alert" className="rounded bg-red-soft px-3 py-2 text-red">
          {problem}
        </p>
      ) : done?.looked ? (
        <LookedWords state={state} />
      ) : (
        <p dir="auto" className="text-16" aria-live="polite">
          {text}
          {isWaiting && <span className="pulse ml-0.5 inline-block h-4 w-2 translate-y-0.5 bg-accent" />}
        </p>
      )}
      {done && (
        <>
          <TimingBar timingsMs={done.timingsMs} />
          <div className="flex flex-wrap items-center gap-4">
            <Fact label="Tokens">
              {count(done.usage.inputTokens)} → {count(done.usage.outputTokens)}
            </Fact>
            {done.traceId && (
              <Link
                to="/project/$projectId/traces/$traceId"
                params={{ projectId, traceId: done.traceId }}
                search={{ observation: done.observationId ?? undefined }}
                className="inline-flex items-center gap-0.5 text-accent hover:underline"
              >
                Open trace <ArrowUpRight size={13} aria-hidden="true" />
              </Link>
            )}
          </div>
        </>
      )}
    </article>
  );
}
