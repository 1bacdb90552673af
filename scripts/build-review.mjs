// Bundles the review page (src/review) into a few files in dist/review, which load nothing from other servers.
// With --watch it builds again when a file changes.
import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, context } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const from = join(root, 'src', 'review');
const to = join(root, 'dist', 'review');

const options = {
  entryPoints: { review: join(from, 'main.tsx'), 'review-style': join(from, 'style', 'review.css') },
  entryNames: '[name]',
  outdir: to,
  bundle: true,
  // What is imported when it is needed is a file of its own.
  splitting: true,
  chunkNames: 'review-[name]',
  minify: true,
  format: 'esm',
  // Older browsers too, because hospitals update browsers and tablets late.
  target: ['chrome109', 'firefox115', 'safari16.4'],
  logLevel: 'warning',
  legalComments: 'none',
};

await mkdir(to, { recursive: true });
await copyFile(join(from, 'index.html'), join(to, 'index.html'));
if (process.argv.includes('--watch')) await (await context(options)).watch();
else await build(options);
