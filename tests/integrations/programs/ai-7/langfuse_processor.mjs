import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { LangfuseSpanProcessor } from "@langfuse/otel";
import { propagateAttributes, startActiveObservation } from "@langfuse/tracing";
import { LangfuseVercelAiSdkIntegration } from "@langfuse/vercel-ai-sdk";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { embed, generateText, Output, registerTelemetry, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const provider = new NodeTracerProvider({ spanProcessors: [new LangfuseSpanProcessor()] });
provider.register();
registerTelemetry(new LangfuseVercelAiSdkIntegration());

const openai = createOpenAICompatible({
  name: "openai",
  baseURL: process.env.OPENAI_BASE_URL,
  apiKey: process.env.OPENAI_API_KEY,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const model = openai("gpt-4o-mini");
const weather = tool({
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});

async function request() {
  const forecast = await generateText({
    model,
    instructions: "Be brief.",
    prompt: "Is it warm?",
    temperature: 0.2,
    tools: { weather },
    stopWhen: stepCountIs(3),
    telemetry: { functionId: "forecast" },
  });
  console.log(forecast.text);
  const stream = streamText({ model, prompt: "Which digits?", telemetry: { functionId: "stream" } });
  for await (const piece of stream.textStream) process.stdout.write(piece);
  const schema = z.object({ city: z.string(), digits: z.number() });
  const output = Output.object({ schema });
  await generateText({ model, output, prompt: "Which place?", telemetry: { functionId: "structured" } });
  const embeddings = openai.embeddingModel("text-embedding-3-small");
  await embed({ model: embeddings, value: "Is it warm?", telemetry: { functionId: "embed" } });
  const refused = { model: openai("gpt-missing"), prompt: "Which digits?", maxRetries: 0 };
  await generateText({ ...refused, telemetry: { functionId: "refused" } }).catch((refusal) => console.log(refusal.message));
}

await propagateAttributes({ userId: "ada", sessionId: "visit-8", tags: ["blue"] }, () =>
  startActiveObservation("request", request),
);
await provider.shutdown();
