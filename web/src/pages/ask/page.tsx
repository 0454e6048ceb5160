import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { models } from "~/api/queries.ts";
import type { Model } from "~/api/types.ts";
import { LookedControls } from "~/parts/looked/controls.tsx";
import { LookedImages } from "~/parts/looked/panel.tsx";
import { useLooked } from "~/parts/looked/state.ts";
import { useMay } from "~/parts/may.ts";
import { PageHeader } from "~/parts/shell/header.tsx";
import { Chooser } from "~/parts/shell/select.tsx";
import { Failure, Skeletons } from "~/parts/states.tsx";
import { useConversation } from "./conversation.ts";
import type { AskImage } from "./image.ts";
import { NoModel } from "./no-model.tsx";
import { Picker } from "./picker.tsx";
import { QuestionBox } from "./question-box.tsx";
import { TurnCard } from "./turn.tsx";

const route = getRouteApi("/project/$projectId/ask");

export default function Ask() {
  const { projectId } = route.useParams();
  const { data, error, refetch } = useQuery(models(projectId));
  const mayAsk = useMay(projectId, "ask");
  const conversation = useConversation(projectId);
  const { modelId, chooseModel } = conversation;
  const model = data?.data.find(({ id }) => id === modelId) ?? data?.data[0];
  return (
    <>
      <PageHeader title="Ask">
        {data && data.data.length > 1 && model && (
          <Chooser
            label="Model"
            choices={data.data.map(({ id, name }) => ({ id, label: name }))}
            value={model.id}
            onChange={chooseModel}
          />
        )}
        {data?.data.length === 1 && <span className="font-mono text-12 text-ink-2">{model?.id}</span>}
      </PageHeader>
      <div className="min-h-0 flex-1 overflow-y-auto">
        {error && <Failure error={error} retry={refetch} />}
        {!data && !error && <Skeletons />}
        {data && !mayAsk && (
          <p className="p-4 text-ink-2">
            Your role may look but not ask: a question spends money. Ask an owner of the project for another
            role.
          </p>
        )}
        {data && mayAsk && !model && <NoModel />}
        {mayAsk && model && (
          <Workbench
            key={`${projectId} ${model.id}`}
            projectId={projectId}
            model={model}
            conversation={conversation}
          />
        )}
      </div>
    </>
  );
}

interface WorkbenchProps {
  projectId: string;
  model: Model;
  conversation: ReturnType<typeof useConversation>;
}

function Workbench({ projectId, model, conversation }: WorkbenchProps) {
  const { image, turns, isBusy, put, chooseImage } = conversation;
  const [active, setActive] = useState<number | null>(null);
  const last = turns.findLastIndex((turn) => turn.done?.looked);
  const shown = active ?? last;
  const state = useLooked(turns[shown]?.done?.looked);
  const choose = (next: AskImage) => {
    setActive(null);
    chooseImage(next);
  };
  return (
    <div className="mx-auto grid w-full max-w-6xl gap-x-6 gap-y-3 p-4 lg:grid-cols-2 lg:grid-rows-[auto_1fr]">
      {image && (
        <div className="min-w-0 space-y-2">
          <LookedImages src={image.src} alt="The image in question" state={state} />
          {state.looked.words.length > 0 && <LookedControls state={state} />}
        </div>
      )}
      <div className={`min-w-0 lg:col-start-1 ${image ? "order-last lg:order-none" : ""}`}>
        <Picker projectId={projectId} modelId={model.id} chosen={image} choose={choose} />
      </div>
      <section
        aria-label="Questions and answers"
        className={`min-w-0 lg:col-start-2 lg:row-span-2 lg:row-start-1 ${image ? "" : "order-first"}`}
      >
        {!image && <Welcome model={model} />}
        {turns.map((turn, index) => (
          <TurnCard
            // biome-ignore lint/suspicious/noArrayIndexKey: turns are only ever added
            key={index}
            projectId={projectId}
            turn={turn}
            state={
              index === shown
                ? state
                : { ...state, looked: turn.done?.looked ?? state.looked, shown: [], pinned: [] }
            }
            activate={() => {
              if (index === shown || !turn.done?.looked) return;
              state.unpin();
              setActive(index);
            }}
          />
        ))}
        {image && (
          <QuestionBox
            suggestions={image.suggestions.length ? image.suggestions : model.suggestions}
            isBusy={isBusy}
            put={(question) => {
              state.unpin();
              setActive(null);
              put(model, question);
            }}
          />
        )}
      </section>
    </div>
  );
}

function Welcome({ model }: { model: Model }) {
  return (
    <div className="max-w-prose space-y-2 text-ink-2 lg:pt-6">
      <h2 className="text-16 font-semibold text-ink">Ask {model.name} about an image</h2>
      <p>{model.description}</p>
      <p>
        Choose an image, then a question. Point at a word of the answer to see where the model looked when it
        said it; click two words to compare them.
      </p>
    </div>
  );
}
