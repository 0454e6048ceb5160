import type { ReactNode } from "react";
import { Dialog as Content, Heading, Modal, ModalOverlay } from "react-aria-components";

interface DialogProps {
  title: string;
  role?: "dialog" | "alertdialog";
  children: ReactNode;
  close: () => void;
}

/** A box with a title over the page; Escape and a click beside it close it. */
export function Dialog({ title, role = "dialog", children, close }: DialogProps) {
  return (
    <ModalOverlay
      isOpen
      isDismissable
      onOpenChange={close}
      className="fade-in fixed inset-0 z-40 flex items-center justify-center bg-scrim p-3"
    >
      <Modal className="w-full max-w-md rounded border border-line-strong bg-canvas text-ink">
        <Content role={role} className="p-4 outline-none">
          <Heading slot="title" className="mb-3 text-16 font-semibold">
            {title}
          </Heading>
          {children}
        </Content>
      </Modal>
    </ModalOverlay>
  );
}
