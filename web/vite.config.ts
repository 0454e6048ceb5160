import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { licences } from "./bundle/licences.ts";
import { precompress } from "./bundle/precompress.ts";

const SERVER = process.env.SIGHTLINE_URL ?? "http://127.0.0.1:3000";

export default defineConfig({
  plugins: [
    react(),
    tailwindcss(),
    licences(["tailwindcss", "@fontsource-variable/inter", "@fontsource-variable/jetbrains-mono"]),
    precompress(),
  ],
  resolve: { alias: { "~": new URL("./src", import.meta.url).pathname } },
  // The server puts a fresh nonce in place of this word each time it serves the page.
  html: { cspNonce: "__CSP_NONCE__" },
  build: {
    outDir: "../src/sightline/server/edges/web/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/api": { target: SERVER, changeOrigin: false, ws: true } } },
});
