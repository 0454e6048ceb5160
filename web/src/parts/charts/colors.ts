/** Okabe and Ito's colour-blind-safe eight, brightened for a dark ground where they need it. */
export const SERIES = {
  light: ["#0072b2", "#b87700", "#00805d", "#b0508a", "#4a9fd1", "#c25200", "#8f8400", "#4a5159"],
  dark: ["#4aa8dd", "#e69f00", "#1fc09a", "#e08fc0", "#8ccbf0", "#f58b4c", "#f0e442", "#aeb5bd"],
} as const;

/** A theme colour as the browser computes it, for what paints on a canvas and knows no CSS. */
function computed(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

export const inks = () => ({
  ink: computed("ink"),
  faint: computed("ink-3"),
  line: computed("line"),
  canvas: computed("canvas"),
  red: computed("red"),
});
