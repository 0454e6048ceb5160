import { Check, Copy, X } from "lucide-react";
import type { ReactNode } from "react";
import { IconButton } from "./button.tsx";
import { useCopy } from "./copy.ts";

interface CopyButtonProps {
  text: string;
  label?: string;
  icon?: ReactNode;
}

/** Copies a text and says for a moment that it did, or that it could not. */
export function CopyButton({ text, label = "Copy", icon = <Copy size={14} /> }: CopyButtonProps) {
  const [state, copy] = useCopy();
  return (
    <>
      <IconButton
        label={{ no: label, copied: "Copied", failed: "Not copied" }[state]}
        onClick={(event) => {
          event.stopPropagation();
          copy(text);
        }}
      >
        {state === "no" && icon}
        {state === "copied" && <Check size={14} className="text-accent" />}
        {state === "failed" && <X size={14} className="text-red" />}
      </IconButton>
      {state === "failed" && (
        <span role="alert" className="font-sans text-12 whitespace-nowrap text-red">
          Not copied: select the text instead
        </span>
      )}
    </>
  );
}
