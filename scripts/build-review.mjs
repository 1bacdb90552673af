// Bundles the review page (src/review) into a few files in dist/review, which load nothing from other servers.
// With --watch it builds again when a file changes.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from '@formatjs/icu-messageformat-parser';
import { build, context } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const from = join(root, 'src', 'review');
const to = join(root, 'dist', 'review');

/** Messages with placeholders are parsed here, so that the page needs no parser. */
const messages = {
  name: 'messages',
  setup: ({ onLoad }) =>
    onLoad({ filter: /[/\\]texts[/\\][\w-]+\.json$/ }, async ({ path }) => ({
      contents: JSON.stringify(JSON.parse(await readFile(path, 'utf8'), parsed)),
      loader: 'json',
    })),
};
/** The page's first files are fetched at once, not each after the one that names it. */
const preloads = {
  name: 'preloads',
  setup: ({ onEnd }) =>
    onEnd(async ({ metafile }) => {
      const outputs = Object.entries(metafile?.outputs ?? {});
      const first = outputs.find(([path]) => basename(path) === 'review.js')?.[1].imports ?? [];
      const links = first
        .filter(({ kind }) => kind === 'import-statement')
        .map(({ path }) => `<link rel="modulepreload" href="${basename(path)}">`);
      const page = await readFile(join(from, 'index.html'), 'utf8');
      await writeFile(join(to, 'index.html'), page.replace('<!-- preloads -->', links.join('\n    ')));
    }),
};
const parsed = (_, text) =>
  typeof text === 'string' && text.includes('{') ? parse(text, { ignoreTag: true }) : text;

const options = {
  entryPoints: { review: join(from, 'main.tsx'), 'review-style': join(from, 'style', 'review.css') },
  entryNames: '[name]',
  outdir: to,
  bundle: true,
  // What is imported when it is needed is a file of its own.
  splitting: true,
  chunkNames: 'review-[name]-[hash]',
  metafile: true,
  minify: true,
  format: 'esm',
  // Older browsers too, because hospitals update browsers and tablets late.
  target: ['chrome109', 'firefox115', 'safari16.4'],
  plugins: [messages, preloads],
  alias: { '@formatjs/icu-messageformat-parser': '@formatjs/icu-messageformat-parser/no-parser.js' },
  logLevel: 'warning',
  legalComments: 'none',
};

// Names of files contain hashes: those of earlier builds must not stay.
await rm(to, { recursive: true, force: true });
await mkdir(to, { recursive: true });
if (process.argv.includes('--watch')) await (await context(options)).watch();
else await build(options);
