// Emits licences.txt: the notice of every package whose code ends up in the build, as its licence asks.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Plugin } from "vite";

const NOTICE = /^(licen[cs]e|copying|notice)/i;
const RULE = `\n${"-".repeat(80)}\n\n`;

/** The folder of the package that a module belongs to; none for our own modules and for virtual ones. */
function packageOf(module: string): string | undefined {
  return module.match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/)?.[0];
}

function notice(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && NOTICE.test(entry.name))
    .map((entry) => entry.name)
    .sort()
    .map((file) => readFileSync(path.join(folder, file), "utf8").trim());
  return [`${name} ${version} (${license})`, ...texts].join("\n\n");
}

/** `others` are packages that reach the build in other ways than by import: styles and fonts. */
export function licences(others: string[]): Plugin {
  let root = "";
  return {
    name: "sightline:licences",
    apply: "build",
    configResolved(config) {
      root = config.root;
    },
    generateBundle(_options, bundle) {
      const folders = new Set(others.map((name) => path.join(root, "node_modules", name)));
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk") continue;
        for (const module of chunk.moduleIds) {
          const folder = packageOf(module.replace(/^\0/, ""));
          if (folder && existsSync(path.join(folder, "package.json"))) folders.add(folder);
        }
      }
      const source = [...folders].map(notice).sort().join(RULE);
      this.emitFile({ type: "asset", fileName: "licences.txt", source: `${source}\n` });
    },
  };
}
