import type { Node } from "../../api/types.ts";

export interface Line {
  node: Node;
  depth: number;
  childCount: number;
  isFolded: boolean;
}

export interface Outline {
  roots: Node[];
  children: Map<string, Node[]>;
  parents: Map<string, Node>;
  from_ms: number;
  to_ms: number;
}

const FRACTION = /\.\d{3}(\d{1,3})/;

/** Milliseconds with the microseconds that `Date.parse` drops. */
function moment_ms(iso: string): number {
  const micros = FRACTION.exec(iso)?.[1];
  return Date.parse(iso) + (micros ? Number(micros.padEnd(3, "0")) / 1000 : 0);
}

const start = (node: Node): number => moment_ms(node.startTime);

/** The last moment of a span; its first where it has no end. */
const end = (node: Node): number => (node.endTime ? moment_ms(node.endTime) : start(node));

const byStart = (a: Node, b: Node): number => start(a) - start(b) || (a.id < b.id ? -1 : 1);

/**
 * Each node's parent, where it is in the trace. Broken clients have sent circles: each is cut at one place.
 * One walk up from every node, which ends at what an earlier walk has seen: time grows with the spans alone.
 */
function parentsOf(nodes: Node[]): Map<string, Node> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map<string, Node>();
  const walkOf = new Map<string, number>();
  nodes.forEach((first, walk) => {
    let at: Node | undefined = first;
    while (at && !walkOf.has(at.id)) {
      walkOf.set(at.id, walk);
      const parent: Node | undefined = at.parentId === null ? undefined : byId.get(at.parentId);
      if (parent && walkOf.get(parent.id) !== walk) parents.set(at.id, parent);
      at = parent;
    }
  });
  return parents;
}

/** Hangs spans under their parents; one whose parent is missing stands at the top instead of vanishing. */
export function outline(nodes: Node[]): Outline {
  const sorted = [...nodes].sort(byStart);
  const parents = parentsOf(sorted);
  const made: Outline = {
    roots: sorted.filter((node) => !parents.has(node.id)),
    children: new Map(),
    parents,
    from_ms: Infinity,
    to_ms: -Infinity,
  };
  for (const node of sorted) {
    made.from_ms = Math.min(made.from_ms, start(node));
    made.to_ms = Math.max(made.to_ms, end(node));
    const parent = parents.get(node.id);
    const siblings = parent && made.children.get(parent.id);
    if (siblings) siblings.push(node);
    else if (parent) made.children.set(parent.id, [node]);
  }
  return made;
}

/** The nodes whose name or model holds the text, and all above them. */
function matching(made: Outline, nodes: Node[], text: string): Set<string> {
  const wanted = text.toLowerCase();
  const kept = new Set<string>();
  for (const node of nodes) {
    if (!`${node.name} ${node.model ?? ""} ${node.type}`.toLowerCase().includes(wanted)) continue;
    for (let at: Node | undefined = node; at && !kept.has(at.id); at = made.parents.get(at.id))
      kept.add(at.id);
  }
  return kept;
}

/** The lines on screen, top to bottom. Iterative: a trace may be ten thousand spans deep. */
export function lines(made: Outline, nodes: Node[], folded: ReadonlySet<string>, search: string): Line[] {
  const kept = search ? matching(made, nodes, search) : null;
  const shown: Line[] = [];
  const stack = made.roots.map((node) => ({ node, depth: 0 })).reverse();
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { node, depth } = top;
    if (kept && !kept.has(node.id)) continue;
    const below = made.children.get(node.id) ?? [];
    const isFolded = !kept && folded.has(node.id);
    shown.push({ node, depth, childCount: below.length, isFolded });
    if (!isFolded) for (const child of [...below].reverse()) stack.push({ node: child, depth: depth + 1 });
  }
  return shown;
}

/** Where a span lies in its trace, as percentages. */
export function place(node: Node, { from_ms, to_ms }: Outline): { left: number; width: number } {
  const whole_ms = Math.max(to_ms - from_ms, 0.001);
  const left = ((start(node) - from_ms) / whole_ms) * 100;
  return { left, width: Math.max(((end(node) - start(node)) / whole_ms) * 100, 0) };
}
