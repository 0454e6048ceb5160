import { CornerDownLeft } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Button } from "~/parts/button.tsx";

interface QuestionBoxProps {
  suggestions: string[];
  isBusy: boolean;
  put: (question: string | null) => void;
}

/** Where the next question is written; left empty, it asks for a description. */
export function QuestionBox({ suggestions, isBusy, put }: QuestionBoxProps) {
  const [question, setQuestion] = useState("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus({ preventScroll: true }), []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isBusy) return;
    put(question.trim() || null);
    setQuestion("");
  };
  return (
    <form onSubmit={submit} className="space-y-2 py-3">
      <div className="flex gap-2">
        <input
          ref={input}
          dir="auto"
          aria-label="Question"
          placeholder="Ask about the image, or leave empty for a description"
          value={question}
          onChange={(event) => setQuestion(event.target.value)}
          className="h-9 min-w-0 flex-1 rounded border border-line-strong bg-canvas px-3 text-14 placeholder:text-ink-3"
        />
        <Button look="primary" type="submit" disabled={isBusy} className="h-9">
          {question.trim() ? "Ask" : "Describe"} <CornerDownLeft size={13} aria-hidden="true" />
        </Button>
      </div>
      <div className="flex flex-wrap gap-1.5">
        {suggestions.map((suggestion) => (
          <Button key={suggestion} disabled={isBusy} onClick={() => put(suggestion)} className="text-ink-2">
            {suggestion}
          </Button>
        ))}
      </div>
    </form>
  );
}
