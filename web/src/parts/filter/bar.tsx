import { Search, X } from "lucide-react";
import { type ReactNode, useRef, useState } from "react";
import type { TraceFilter } from "../../api/queries.ts";
import { useKeys } from "../keys.ts";
import type { Completion, Seen } from "./complete.ts";
import { labelOf, SIMPLE, wordOf } from "./names.ts";

interface FilterBarProps {
  filter: TraceFilter;
  onChange: (next: TraceFilter) => void;
  /** Values seen in what is loaded, offered while typing. */
  seen: Seen;
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
  for (const [column, parameter] of Object.entries(SIMPLE)) {
    const value = filter[parameter];
    if (typeof value === "string")
      found.push({ label: `${wordOf(column)}: ${value}`, without: { ...filter, [parameter]: undefined } });
    for (const each of Array.isArray(value) ? value : [])
      found.push({
        label: `${wordOf(column)}: ${each}`,
        without: { ...filter, [parameter]: less(value as string[], each) },
      });
  }
  for (const each of filter.filter ?? [])
    found.push({ label: labelOf(each), without: { ...filter, filter: less(filter.filter ?? [], each) } });
  return found;
}

/** A list without one of its members; none when that was the last. */
function less<Member>(list: Member[], gone: Member): Member[] | undefined {
  const rest = list.filter((each) => each !== gone);
  return rest.length ? rest : undefined;
}

type Language = typeof import("./text.ts");

/** The language of the bar, once somebody turns to it; until then nothing of it is loaded. */
function useLanguage() {
  const [language, setLanguage] = useState<Language>();
  const [isBroken, setBroken] = useState(false);
  const load = async () => {
    try {
      const loaded = await import("./text.ts");
      setLanguage(loaded);
      setBroken(false);
      return loaded;
    } catch {
      setBroken(true);
    }
  };
  return { language, load, isBroken };
}

const BROKEN = "The filter could not be loaded: reload the page.";

export function FilterBar({ filter, onChange, seen, children }: FilterBarProps) {
  const [typed, setTyped] = useState("");
  const [isOpen, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  useKeys({ "/": () => input.current?.focus() });

  const { language, load, isBroken } = useLanguage();
  const parsed = language?.parse(typed);
  const choices = (isOpen && language?.complete(typed, seen)) || [];
  const wrong = parsed && "problem" in parsed && !choices.length ? parsed.problem : null;
  const problem = isBroken ? BROKEN : wrong;
  const take = (choice: Completion) => {
    setTyped(choice.insert);
    setAt(-1);
    input.current?.focus();
  };
  const apply = async () => {
    setOpen(false);
    const loaded = language ?? (await load());
    const meant = loaded?.parse(typed);
    if (!loaded || !meant || "problem" in meant || !typed.trim()) return;
    onChange(loaded.merge(filter, meant.filter));
    setTyped("");
  };
  const isWordBegun = /\S$/.test(typed);
  const takeFirstOnceLoaded = async () => {
    const [first] = (await load())?.complete(typed, seen) ?? [];
    if (first) take(first);
  };
  const answer = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const choice = choices[at];
    const [first] = choices;
    if (step && choices.length) setAt((at + step + choices.length) % choices.length);
    else if (event.key === "Tab" && !event.shiftKey && first && (choice || isWordBegun))
      take(choice ?? first);
    else if (event.key === "Tab" && !event.shiftKey && !language && !isBroken && isWordBegun)
      takeFirstOnceLoaded();
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
          placeholder="Search text, or name: env: latency>1s cost> -tag: errors"
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            setOpen(true);
            setAt(-1);
          }}
          onFocus={() => {
            setOpen(true);
            load();
          }}
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
