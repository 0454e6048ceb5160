/** The page API's shapes by the names the pages use; `schema.ts` is generated from `openapi.json`. */
import type { components } from "./schema.ts";

type Schemas = components["schemas"];

export type Session = Schemas["Session"];
export type Verb = Schemas["Project"]["may"][number];
export type KeyScope = Schemas["Key"]["scopes"][number];
export type KeyDraft = Schemas["KeyDraft"];
export type Score = Schemas["Score"];
export type TraceRow = Schemas["TraceRow"];
export type TracePage = Schemas["TracePage"];
export type Bucket = Schemas["Bucket"];
export type Series = Schemas["Series"];
export type TraceHead = Schemas["TraceHead"];
export type TraceDetail = Schemas["TraceDetail"];
export type Node = Schemas["Node"];
export type Observation = Schemas["ObservationDetail"];
export type Looked = Schemas["Looked"];
export type Models = Schemas["Models"];
export type Model = Schemas["Model"];
export type Samples = Schemas["Samples"];
export type Sample = Schemas["Sample"];
export type Keys = Schemas["Keys"];
export type Key = Schemas["Key"];
export type NewKey = Schemas["NewKey"];
export type Question = Schemas["Question"];
export type Done = Schemas["DoneEvent"];
