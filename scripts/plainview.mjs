#!/usr/bin/env node
// What `npx plainview` runs. npx keeps its link to this file, so it must be there before the first build too.
import { existsSync } from 'node:fs';

const cli = new URL('../dist/cli.js', import.meta.url);
if (existsSync(cli)) await import(cli);
else {
  console.error('Plainview is not built yet: run `npm ci && npm run build` first.');
  process.exitCode = 1;
}
