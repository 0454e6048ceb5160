import { ask } from "~/api/events.ts";
import type { Model, Question } from "~/api/types.ts";
import type { AskImage } from "./image.ts";
import { keep, kept, store, type Turn, useKeptConversation } from "./kept.ts";

const METHODS = ["gradient", "live"] as const;

/** The better map where the model offers it. */
const lookedMethod = ({ methods }: Model): Question["looked"] =>
  METHODS.find((each) => methods.includes(each)) ?? null;

/** The answer that is being written in each project; it goes on while its page is left. */
const running = new Map<string, AbortController>();

async function put(projectId: string, model: Model, question: string | null) {
  const { image, turns } = kept(projectId);
  if (!image || running.has(projectId)) return;
  const controller = new AbortController();
  running.set(projectId, controller);
  const patch = (change: (turn: Turn) => Turn) => {
    if (controller.signal.aborted) return;
    keep(projectId, (before) => ({
      ...before,
      turns: before.turns.map((turn, index, all) => (index === all.length - 1 ? change(turn) : turn)),
    }));
  };
  const history = turns.flatMap(({ question: asked, done }) =>
    asked && done ? [{ question: asked, answer: done.answer }] : [],
  );
  const asked: Turn = { question, text: "", done: null, problem: null };
  keep(projectId, (before) => ({ ...before, turns: [...before.turns, asked] }));
  store(projectId);
  try {
    const body = { model: model.id, image: image.src, question, history, looked: lookedMethod(model) };
    const add = (text: string) => patch((turn) => ({ ...turn, text: turn.text + text }));
    const done = await ask(projectId, body, add, controller.signal);
    patch((turn) => ({ ...turn, text: done.answer, done }));
  } catch (error) {
    patch((turn) => ({ ...turn, problem: error instanceof Error ? error.message : String(error) }));
  }
  if (controller.signal.aborted) return;
  running.delete(projectId);
  store(projectId);
}

function start(projectId: string, modelId: string | undefined, image: AskImage | null) {
  running.get(projectId)?.abort();
  running.delete(projectId);
  keep(projectId, () => ({ modelId, image, turns: [] }));
  store(projectId);
}

/** Several questions about one image; each answer streams into its turn. */
export function useConversation(projectId: string) {
  const { modelId, image, turns } = useKeptConversation(projectId);
  const last = turns.at(-1);
  return {
    modelId,
    image,
    turns,
    isBusy: last !== undefined && !last.done && !last.problem,
    put: (model: Model, question: string | null) => put(projectId, model, question),
    chooseModel: (id: string) => start(projectId, id, null),
    chooseImage: (next: AskImage) => start(projectId, modelId, next),
  };
}
