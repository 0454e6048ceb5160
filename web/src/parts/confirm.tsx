import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";

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
    <Dialog role="alertdialog" title={title} close={close}>
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
  );
}
