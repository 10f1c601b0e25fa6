import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** Bytes below which compressing a file saves nothing worth a second copy. */
const COMPRESS_BYTES_MIN = 1024;

/** Lays a compressed copy beside every text file: the node embeds both and compresses nothing itself. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir = "" }) {
      for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
        const path = join(dir, name);
        if (!/\.(html|js|css|svg|webmanifest)$/.test(name) || statSync(path).size < COMPRESS_BYTES_MIN) continue;
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
      }
    },
  };
}

/** The node that `npm run dev` asks. */
const node = process.env.LEDGER_RPC ?? "http://127.0.0.1:8545";

export default defineConfig({
  plugins: [compressed()],
  build: {
    outDir: "dist/pages",
    emptyOutDir: true,
    target: "es2022",
    // The pages' policy lets nothing be inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  worker: { format: "es" },
  server: {
    host: "127.0.0.1",
    // JSON-RPC is what is posted to the address of the page.
    proxy: {
      "/": { target: node, bypass: (request) => (request.method === "POST" ? undefined : request.url) },
      "/rpc": { target: node, ws: true, rewrite: () => "/" },
    },
  },
  test: {
    projects: [
      { test: { name: "unit", include: ["test/**/*.test.ts"], environment: "node" } },
      {
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          environment: "node",
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
