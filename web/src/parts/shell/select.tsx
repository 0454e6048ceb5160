import { ChevronsUpDown } from "lucide-react";
import type { ReactNode } from "react";
import { Button, ListBox, ListBoxItem, Popover, Select, SelectValue } from "react-aria-components";

export interface Choice {
  id: string;
  label: string;
}

interface ChooserProps {
  label: string;
  choices: Choice[];
  value: string;
  onChange: (id: string) => void;
  icon?: ReactNode;
  isWide?: boolean;
}

/** One of a few. */
export function Chooser({ label, choices, value, onChange, icon, isWide }: ChooserProps) {
  return (
    <Select
      aria-label={label}
      value={value}
      onChange={(key) => key !== null && onChange(String(key))}
      className={isWide ? "w-full" : ""}
    >
      <Button
        className={`inline-flex h-7 items-center gap-1.5 rounded border border-line-strong bg-canvas px-2 text-13 text-ink hover:bg-panel ${isWide ? "w-full" : ""}`}
      >
        {icon}
        <SelectValue className="min-w-0 flex-1 truncate text-left" />
        <ChevronsUpDown size={12} className="shrink-0 text-ink-3" aria-hidden="true" />
      </Button>
      <Popover className="fade-in min-w-(--trigger-width) rounded border border-line-strong bg-canvas p-1 text-ink shadow-[0_4px_16px_rgb(0_0_0/0.14)]">
        <ListBox className="max-h-80 overflow-auto outline-none">
          {choices.map(({ id, label: text }) => (
            <ListBoxItem
              key={id}
              id={id}
              textValue={text}
              className="flex h-7 items-center rounded-sm px-2 text-13 outline-none data-[focused]:bg-sunken data-[selected]:font-medium data-[selected]:text-accent"
            >
              {text}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </Select>
  );
}
