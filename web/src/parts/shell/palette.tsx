import { ArrowRight, CornerDownLeft } from "lucide-react";
import { useState } from "react";
import { Dialog, Modal, ModalOverlay } from "react-aria-components";
import { type Target, useTargets } from "./targets.ts";

/** Ctrl or Cmd K: every page, every command, and any trace by its id. */
export default function Palette({ projectId, close }: { projectId: string; close: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const targets = useTargets(projectId, text);
  const go = (target: Target | undefined) => {
    if (!target) return;
    close();
    target.go();
  };
  const walk = (event: React.KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") go(targets[at]);
    if (!step) return;
    event.preventDefault();
    setAt((at + step + targets.length) % targets.length);
  };
  return (
    <ModalOverlay
      isOpen
      isDismissable
      onOpenChange={close}
      className="fade-in fixed inset-0 z-40 flex items-start justify-center bg-scrim px-3 pt-[14vh]"
    >
      <Modal className="w-full max-w-lg overflow-hidden rounded border border-line-strong bg-canvas text-ink">
        <Dialog aria-label="Commands" className="outline-none">
          <input
            autoFocus
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-targets"
            aria-activedescendant={targets[at] ? `palette-${at}` : undefined}
            aria-label="Page, command, text or trace id"
            placeholder="Page, command, text or trace id"
            value={text}
            onKeyDown={walk}
            onChange={(event) => {
              setText(event.target.value);
              setAt(0);
            }}
            className="h-11 w-full border-b border-line bg-transparent px-4 text-14 outline-none placeholder:text-ink-3"
          />
          <div
            id="palette-targets"
            role="listbox"
            aria-label="Results"
            className="max-h-80 overflow-auto p-1"
          >
            {targets.map((target, index) => (
              <div
                key={target.id}
                ref={index === at ? (option) => option?.scrollIntoView({ block: "nearest" }) : undefined}
                id={`palette-${index}`}
                role="option"
                aria-selected={index === at}
                onPointerMove={() => setAt(index)}
                onClick={() => go(target)}
                className="flex h-8 items-center gap-2 rounded-sm px-3 aria-selected:bg-sunken"
              >
                <ArrowRight size={13} className="text-ink-3" aria-hidden="true" />
                <span className="flex-1 truncate">{target.label}</span>
                <span className="max-w-[40%] truncate text-12 text-ink-3">{target.hint}</span>
                {index === at && <CornerDownLeft size={12} className="text-ink-3" aria-hidden="true" />}
              </div>
            ))}
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
