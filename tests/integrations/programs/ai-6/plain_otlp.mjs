import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
provider.register();

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
const metadata = { userId: "ada", sessionId: "visit-9", tags: ["blue"], tier: "gold" };
const model = openai("gpt-4o-mini");

const forecast = await generateText({
  model,
  prompt: "Is it warm?",
  tools: { weather },
  stopWhen: stepCountIs(3),
  experimental_telemetry: { isEnabled: true, functionId: "forecast", metadata },
});
console.log(forecast.text);
const stream = streamText({
  model,
  prompt: "Which digits?",
  experimental_telemetry: { isEnabled: true, functionId: "stream", metadata },
});
for await (const piece of stream.textStream) process.stdout.write(piece);
await provider.shutdown();
