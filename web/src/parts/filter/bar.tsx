import { Search, X } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import type { TraceFilter } from "../../api/queries.ts";
import { useKeys } from "../keys.ts";
import { type Completion, complete, FIELDS, type Field, parse } from "./text.ts";

interface FilterBarProps {
  filter: TraceFilter;
  onChange: (next: TraceFilter) => void;
  /** Values seen in what is loaded, offered while typing. */
  seen: Record<Field, string[]>;
  children?: ReactNode;
}

interface Chip {
  label: string;
  without: TraceFilter;
}

/** What is set, and the filter that is left when one of them goes. */
function chips(filter: TraceFilter): Chip[] {
  const found: Chip[] = [];
  if (filter.search) found.push({ label: `“${filter.search}”`, without: { ...filter, search: undefined } });
  if (filter.errors) found.push({ label: "errors", without: { ...filter, errors: undefined } });
  for (const [name, { key }] of Object.entries(FIELDS)) {
    const value = filter[key];
    if (typeof value === "string")
      found.push({ label: `${name}: ${value}`, without: { ...filter, [key]: undefined } });
    for (const each of Array.isArray(value) ? value : []) {
      const rest = (value as string[]).filter((other) => other !== each);
      found.push({
        label: `${name}: ${each}`,
        without: { ...filter, [key]: rest.length ? rest : undefined },
      });
    }
  }
  return found;
}

/** Adds what was typed to what is set; a list grows, a single value is replaced. */
function merged(before: TraceFilter, more: TraceFilter): TraceFilter {
  const union = (key: "environment" | "tag") => {
    const all = [...new Set([...(before[key] ?? []), ...(more[key] ?? [])])];
    return all.length ? all : undefined;
  };
  return { ...before, ...more, environment: union("environment"), tag: union("tag") };
}

export function FilterBar({ filter, onChange, seen, children }: FilterBarProps) {
  const [typed, setTyped] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => input.current?.focus() });

  const parsed = parse(typed);
  const choices = isOpen ? complete(typed, seen) : [];
  const problem = "problem" in parsed && !choices.length ? parsed.problem : null;
  const take = (choice: Completion) => {
    setTyped(choice.insert);
    setAt(-1);
    input.current?.focus();
  };
  const apply = () => {
    setOpen(false);
    if ("problem" in parsed || !typed.trim()) return;
    onChange(merged(filter, parsed.filter));
    setTyped("");
  };
  const isWordBegun = /\S$/.test(typed);
  const answer = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const choice = choices[at];
    const [first] = choices;
    if (step && choices.length) setAt((at + step + choices.length) % choices.length);
    else if (event.key === "Tab" && !event.shiftKey && first && (choice || isWordBegun))
      take(choice ?? first);
    else if (event.key === "Enter") choice ? take(choice) : apply();
    else if (event.key === "Escape") isOpen ? setOpen(false) : input.current?.blur();
    else return;
    event.preventDefault();
  };

  return (
    <div className="flex flex-wrap items-center gap-1.5 border-b border-line px-4 py-1.5">
      <div className="relative min-w-36 flex-1 sm:min-w-56">
        <Search size={14} className="absolute top-1.5 left-2 text-ink-3" aria-hidden="true" />
        <input
          ref={input}
          role="combobox"
          aria-expanded={choices.length > 0}
          aria-controls="filter-choices"
          aria-activedescendant={choices[at] ? `filter-choice-${at}` : undefined}
          aria-label="Filter traces"
          aria-invalid={problem !== null}
          aria-describedby={problem ? "filter-problem" : undefined}
          placeholder="Search text, or name: env: user: session: tag: errors"
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            setOpen(true);
            setAt(-1);
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={answer}
          className="h-7 w-full rounded border border-line bg-panel pr-2 pl-7 placeholder:text-ink-3 focus:bg-canvas aria-invalid:border-red"
        />
        <Choices choices={choices} at={at} take={take} />
        {problem && (
          <p
            id="filter-problem"
            role="status"
            className="absolute top-full left-0 z-20 mt-1 rounded bg-red-soft px-2 py-1 text-12 text-red"
          >
            {problem}
          </p>
        )}
      </div>
      {chips(filter).map((chip) => (
        <button
          key={chip.label}
          type="button"
          aria-label={`Remove filter ${chip.label}`}
          onClick={() => onChange(chip.without)}
          className="inline-flex h-6 max-w-64 items-center gap-1 rounded-sm bg-accent-soft pr-1 pl-2 text-12 hover:bg-sunken"
        >
          <span className="truncate">{chip.label}</span>
          <X size={12} aria-hidden="true" />
        </button>
      ))}
      {children}
    </div>
  );
}

interface ChoicesProps {
  choices: Completion[];
  at: number;
  take: (choice: Completion) => void;
}

function Choices({ choices, at, take }: ChoicesProps) {
  if (!choices.length) return null;
  return (
    <div
      id="filter-choices"
      role="listbox"
      aria-label="Completions"
      className="fade-in absolute top-full left-0 z-20 mt-1 w-72 rounded border border-line-strong bg-canvas p-1 shadow-[0_4px_16px_rgb(0_0_0/0.14)]"
    >
      {choices.map((choice, index) => (
        <div
          key={choice.label}
          id={`filter-choice-${index}`}
          role="option"
          aria-selected={index === at}
          onPointerDown={(event) => {
            event.preventDefault();
            take(choice);
          }}
          className="flex h-7 items-center gap-3 rounded-sm px-2 hover:bg-sunken aria-selected:bg-sunken"
        >
          <span className="flex-1 truncate font-mono text-12">{choice.label}</span>
          <span className="text-12 text-ink-3">{choice.hint}</span>
        </div>
      ))}
    </div>
  );
}
