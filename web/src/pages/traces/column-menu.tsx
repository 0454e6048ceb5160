import { Columns3 } from "lucide-react";
import { Button, DialogTrigger, ListBox, ListBoxItem, Popover } from "react-aria-components";
import { columns } from "./columns.tsx";

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

const LABELS = columns.map((column) => ({
  id: String(column.id),
  label: typeof column.header === "string" ? column.header : capital(String(column.id)),
}));

interface ColumnMenuProps {
  visibility: Record<string, boolean>;
  onChange: (next: Record<string, boolean>) => void;
}

/** Which columns a person sees; kept on this browser. */
export function ColumnMenu({ visibility, onChange }: ColumnMenuProps) {
  const shown = LABELS.filter(({ id }) => visibility[id] !== false).map(({ id }) => id);
  return (
    <DialogTrigger>
      <Button
        aria-label="Columns"
        className="inline-flex size-7 items-center justify-center rounded text-ink-2 hover:bg-sunken hover:text-ink"
      >
        <Columns3 size={15} />
      </Button>
      <Popover className="fade-in w-44 rounded border border-line-strong bg-canvas p-1 text-ink shadow-[0_4px_16px_rgb(0_0_0/0.14)]">
        <ListBox
          aria-label="Columns"
          selectionMode="multiple"
          disallowEmptySelection
          escapeKeyBehavior="none"
          autoFocus
          selectedKeys={shown}
          onSelectionChange={(keys) =>
            onChange(Object.fromEntries(LABELS.map(({ id }) => [id, keys === "all" || keys.has(id)])))
          }
          className="outline-none"
        >
          {LABELS.map(({ id, label }) => (
            <ListBoxItem
              key={id}
              id={id}
              textValue={label}
              className="flex h-7 items-center gap-2 rounded-sm px-2 text-ink-3 outline-none data-[focused]:bg-sunken data-[selected]:text-ink"
            >
              {({ isSelected }) => (
                <>
                  <span
                    className={`size-2 rounded-full ${isSelected ? "bg-accent" : "border border-line-strong"}`}
                  />
                  {label}
                </>
              )}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </DialogTrigger>
  );
}
