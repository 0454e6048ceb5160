import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { propagateAttributes, startActiveObservation } from "@langfuse/tracing";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { embed, generateObject, generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const provider = new NodeTracerProvider({ spanProcessors: [new LangfuseSpanProcessor()] });
provider.register();

const openai = createOpenAICompatible({
  name: "openai",
  baseURL: process.env.OPENAI_BASE_URL,
  apiKey: process.env.OPENAI_API_KEY,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = openai("gpt-4o-mini");
const telemetry = (functionId) => ({
  experimental_telemetry: { isEnabled: true, functionId, metadata: { tier: "gold" } },
});
const weather = tool({
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

async function request() {
  const forecast = await generateText({
    model,
    system: "Be brief.",
    prompt: "Is it warm?",
    temperature: 0.2,
    tools: { weather },
    stopWhen: stepCountIs(3),
    ...telemetry("forecast"),
  });
  console.log(forecast.text);
  const stream = streamText({ model, prompt: "Which digits?", ...telemetry("stream") });
  for await (const piece of stream.textStream) process.stdout.write(piece);
  const schema = z.object({ city: z.string(), digits: z.number() });
  await generateObject({ model, schema, prompt: "Which place?", ...telemetry("structured") });
  const embeddings = openai.embeddingModel("text-embedding-3-small");
  await embed({ model: embeddings, value: "Is it warm?", ...telemetry("embed") });
  const refused = { model: openai("gpt-missing"), prompt: "Which digits?", maxRetries: 0 };
  await generateText({ ...refused, ...telemetry("refused") }).catch((refusal) => console.log(refusal.message));
}

await propagateAttributes({ userId: "ada", sessionId: "visit-8", tags: ["blue"] }, () =>
  startActiveObservation("request", request),
);
await provider.shutdown();
