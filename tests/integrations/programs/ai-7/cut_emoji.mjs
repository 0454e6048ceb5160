import { LangfuseSpanProcessor } from "@langfuse/otel";
import { startObservation } from "@langfuse/tracing";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const provider = new NodeTracerProvider({ spanProcessors: [new LangfuseSpanProcessor()] });
provider.register();

const answer = "It is warm \u{1f31e} in Paris.";
for (const length of [10, 12, 13]) {
  // The middle one ends in the first half of the emoji.
  startObservation(`first ${length}`, { input: answer, output: answer.slice(0, length) }).end();
}
await provider.shutdown();
