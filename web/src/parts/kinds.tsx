import {
  Bot,
  Circle,
  Flag,
  Gauge,
  Link2,
  type LucideIcon,
  MessageSquareText,
  Search,
  ShieldCheck,
  Spline,
  Waypoints,
  Wrench,
} from "lucide-react";

interface Kind {
  icon: LucideIcon;
  label: string;
  color: string;
}

const kind = (icon: LucideIcon, label: string): Kind => ({
  icon,
  label,
  color: `var(--kind-${label.toLowerCase()})`,
});

/** Every observation type's icon, word and hue. */
export const KINDS: Record<string, Kind> = {
  SPAN: kind(Spline, "Span"),
  GENERATION: kind(MessageSquareText, "Generation"),
  EVENT: kind(Flag, "Event"),
  AGENT: kind(Bot, "Agent"),
  TOOL: kind(Wrench, "Tool"),
  CHAIN: kind(Link2, "Chain"),
  RETRIEVER: kind(Search, "Retriever"),
  EVALUATOR: kind(Gauge, "Evaluator"),
  EMBEDDING: kind(Waypoints, "Embedding"),
  GUARDRAIL: kind(ShieldCheck, "Guardrail"),
};

const UNKNOWN: Kind = { icon: Circle, label: "Observation", color: "var(--kind-span)" };

export const kindOf = (type: string): Kind => KINDS[type] ?? UNKNOWN;

export function KindIcon({ type, size = 14 }: { type: string; size?: number }) {
  const { icon: Icon, label, color } = kindOf(type);
  return (
    <Icon size={size} color={color} role="img" aria-label={label} className="shrink-0" strokeWidth={2} />
  );
}
