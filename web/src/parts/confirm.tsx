import type { ReactNode } from "react";
import { Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { Button } from "./button.tsx";

interface ConfirmProps {
  title: string;
  children: ReactNode;
  /** The verb of what will be done. */
  verb: string;
  isBusy: boolean;
  act: () => void;
  close: () => void;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ title, children, verb, isBusy, act, close }: ConfirmProps) {
  return (
    <ModalOverlay
      isOpen
      isDismissable
      onOpenChange={close}
      className="fade-in fixed inset-0 z-40 flex items-center justify-center bg-scrim p-3"
    >
      <Modal className="w-full max-w-md rounded border border-line-strong bg-canvas text-ink">
        <Dialog role="alertdialog" className="p-4 outline-none">
          <Heading slot="title" className="mb-2 text-16 font-semibold">
            {title}
          </Heading>
          {children}
          <div className="mt-4 flex justify-end gap-2">
            <Button autoFocus onClick={close}>
              Cancel
            </Button>
            <Button disabled={isBusy} onClick={act} className="border-red font-medium text-red">
              {verb}
            </Button>
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
