import { Button } from "../button.tsx";
import { Dialog } from "../dialog.tsx";
import { Kbd } from "../kbd.tsx";

const KEYS: [string[], string][] = [
  [["Ctrl", "K"], "Commands: pages and trace ids"],
  [["/"], "Filter the list"],
  [["J"], "Next row, next trace"],
  [["K"], "Previous row, previous trace"],
  [["Enter"], "Open the row"],
  [["Esc"], "Close, or let go of the row"],
  [["←", "→"], "Fold and unfold in the tree; walk the words of an answer"],
  [["?"], "This list"],
];

/** Every key of the product. */
export default function KeyHelp({ close }: { close: () => void }) {
  return (
    <Dialog title="Keys" close={close}>
      <dl className="space-y-2">
        {KEYS.map(([keys, meaning]) => (
          <div key={meaning} className="flex items-center gap-3">
            <dt className="flex w-24 shrink-0 gap-1">
              {keys.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dt>
            <dd className="text-ink-2">{meaning}</dd>
          </div>
        ))}
      </dl>
      <div className="mt-4 text-right">
        <Button onClick={close}>Close</Button>
      </div>
    </Dialog>
  );
}
