// Bundles each *.test.ts with the bundler that Vite brings and hands it to Node's own test runner.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "vite";

const here = import.meta.dirname;
const out = mkdtempSync(path.join(tmpdir(), "sightline-web-"));
const names = readdirSync(here).filter((name) => name.endsWith(".test.ts"));
await build({
  configFile: false,
  logLevel: "warn",
  build: {
    ssr: true,
    outDir: out,
    emptyOutDir: true,
    rolldownOptions: {
      input: names.map((name) => path.join(here, name)),
      output: { entryFileNames: "[name].mjs", chunkFileNames: "[name].mjs" },
    },
  },
});
const files = readdirSync(out)
  .filter((name) => name.endsWith(".test.mjs"))
  .map((name) => path.join(out, name));
const { status } = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" });
rmSync(out, { recursive: true });
process.exit(status ?? 1);
