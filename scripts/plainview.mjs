#!/usr/bin/env node
// `npx plainview` runs this file. npx keeps its link to it, so the file must exist before the first build too.
import { existsSync } from 'node:fs';

const cli = new URL('../dist/cli.js', import.meta.url);
if (existsSync(cli)) await import(cli);
else {
  console.error('Plainview is not built yet: run `npm ci && npm run build` first.');
  process.exitCode = 1;
}
