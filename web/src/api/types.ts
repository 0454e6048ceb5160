/** What the page's own API speaks, by the names the pages use. */

export interface Session {
  user: { id: string; email: string; name: string | null };
  projects: Project[];
  version: string;
}
export interface Project {
  id: string;
  name: string;
  role: string;
  organization: { id: string; name: string };
}
export interface Score {
  id: string;
  name: string;
  dataType: string;
  value: number | null;
  stringValue: string | null;
  source: string;
  comment: string | null;
  observationId: string | null;
}
export interface TraceRow {
  id: string;
  name: string | null;
  timestamp: string;
  environment: string;
  userId: string | null;
  sessionId: string | null;
  tags: string[];
  latencyMs: number;
  observationCount: number;
  errorCount: number;
  inputTokens: number | null;
  outputTokens: number | null;
  totalTokens: number | null;
  totalCostUsd: number | null;
  inputPreview: string | null;
  outputPreview: string | null;
  thumbnail: string | null;
  scores: Score[];
}
export interface TracePage {
  data: TraceRow[];
  meta: { cursor: string | null };
}
export interface Bucket {
  start: string;
  count: number;
  errors: number;
  p50Ms: number | null;
  p95Ms: number | null;
  scores: Record<string, number>;
}
export interface Series {
  data: Bucket[];
  stepSeconds: number;
}
export interface TraceHead extends TraceRow {
  endTime: string | null;
  version: string | null;
  release: string | null;
  public: boolean;
  metadata: Record<string, unknown>;
}
export interface Node {
  id: string;
  parentId: string | null;
  type: string;
  name: string;
  startTime: string;
  endTime: string | null;
  latencyMs: number | null;
  level: string;
  statusMessage: string | null;
  model: string | null;
  inputTokens: number | null;
  outputTokens: number | null;
  totalTokens: number | null;
  totalCostUsd: number | null;
  timeToFirstTokenMs: number | null;
  scores: Score[];
}
export interface TraceDetail {
  trace: TraceHead;
  observations: Node[];
}
export interface Picture {
  mediaId: string;
  url: string;
  contentType: string;
  field: string;
}
export interface LookedWord {
  text: string;
  grid: number[][];
}
export interface Looked {
  method: string;
  words: LookedWord[];
}
export interface Observation extends Node {
  input: unknown;
  output: unknown;
  metadata: Record<string, unknown>;
  modelParameters: Record<string, unknown>;
  usage: Record<string, number>;
  costUsd: Record<string, number>;
  environment: string;
  version: string | null;
  promptName: string | null;
  promptVersion: number | null;
  images: Picture[];
  looked: Looked | null;
}
export interface Model {
  id: string;
  name: string;
  description: string;
  suggestions: string[];
  methods: string[];
}
export interface Sample {
  id: string;
  url: string;
  caption: string;
  suggestions: string[];
}
export interface Key {
  publicKey: string;
  displaySecretKey: string;
  createdAt: string;
}
export interface Keys {
  data: Key[];
  baseUrl: string;
}
export interface NewKey {
  publicKey: string;
  secretKey: string;
}
export interface Done {
  answer: string;
  traceId: string | null;
  observationId: string | null;
  usage: { inputTokens: number; outputTokens: number };
  timingsMs: Record<string, number>;
  looked: Looked | null;
}
export interface Question {
  model: string;
  image: string;
  question: string | null;
  history: { question: string; answer: string }[];
  looked: string | null;
}
