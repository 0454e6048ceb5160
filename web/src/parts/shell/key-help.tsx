import { Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { Kbd } from "../bits.tsx";
import { Button } from "../button.tsx";

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
    <ModalOverlay
      isOpen
      isDismissable
      onOpenChange={close}
      className="fade-in fixed inset-0 z-40 flex items-center justify-center bg-scrim p-3"
    >
      <Modal className="w-full max-w-md rounded border border-line-strong bg-canvas text-ink">
        <Dialog className="p-4 outline-none">
          <Heading slot="title" className="mb-3 text-16 font-semibold">
            Keys
          </Heading>
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
      </Modal>
    </ModalOverlay>
  );
}
