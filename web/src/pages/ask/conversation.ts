import { useCallback, useRef, useState } from "react";
import { ask } from "~/api/events.ts";
import type { Done, Model, Question } from "~/api/types.ts";
import type { AskImage } from "./image.ts";

export interface Turn {
  /** Null asks for a caption. */
  question: string | null;
  text: string;
  done: Done | null;
  problem: string | null;
}

const METHODS = ["gradient", "live"] as const;

/** The better map where the model offers it. */
const lookedMethod = ({ methods }: Model): Question["looked"] =>
  METHODS.find((each) => methods.includes(each)) ?? null;

/** Several questions about one image; each answer streams into its turn. */
export function useConversation(projectId: string, model: Model | undefined, image: AskImage | null) {
  const [turns, setTurns] = useState<Turn[]>([]);
  const [isBusy, setBusy] = useState(false);
  const running = useRef<AbortController>(null);

  const clear = useCallback(() => {
    running.current?.abort();
    setTurns([]);
    setBusy(false);
  }, []);

  const put = async (question: string | null) => {
    if (!model || !image || isBusy) return;
    const controller = new AbortController();
    running.current = controller;
    const at = turns.length;
    const patch = (change: (turn: Turn) => Turn) => {
      if (!controller.signal.aborted) {
        setTurns((before) => before.map((turn, index) => (index === at ? change(turn) : turn)));
      }
    };
    const history = turns.flatMap(({ question: asked, done }) =>
      asked && done ? [{ question: asked, answer: done.answer }] : [],
    );
    setTurns([...turns, { question, text: "", done: null, problem: null }]);
    setBusy(true);
    try {
      const body = { model: model.id, image: image.src, question, history, looked: lookedMethod(model) };
      const add = (text: string) => patch((turn) => ({ ...turn, text: turn.text + text }));
      const done = await ask(projectId, body, add, controller.signal);
      patch((turn) => ({ ...turn, text: done.answer, done }));
    } catch (error) {
      patch((turn) => ({ ...turn, problem: error instanceof Error ? error.message : String(error) }));
    }
    if (!controller.signal.aborted) setBusy(false);
  };

  return { turns, isBusy, put, clear };
}
