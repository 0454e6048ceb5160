import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { OpenTelemetry } from "@ai-sdk/otel";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, registerTelemetry, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
provider.register();
registerTelemetry(new OpenTelemetry());

const openai = createOpenAICompatible({
  name: "openai",
  baseURL: process.env.OPENAI_BASE_URL,
  apiKey: process.env.OPENAI_API_KEY,
  includeUsage: true,
});
const weather = tool({
  description: "The weather in a city.",
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `sunny in ${city}`,
});
const model = openai("gpt-4o-mini");

const forecast = await generateText({
  model,
  prompt: "Is it warm?",
  tools: { weather },
  stopWhen: stepCountIs(3),
  telemetry: { functionId: "forecast" },
});
console.log(forecast.text);
const stream = streamText({
  model,
  prompt: "Which digits?",
  telemetry: { functionId: "stream" },
});
for await (const piece of stream.textStream) process.stdout.write(piece);
await provider.shutdown();
