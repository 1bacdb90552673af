// `npm run bench:backlog [-- --large 40 --small 400 --concurrency 4 --per-study 2 --archive 0 --index --seed 1]`: how fast the service
// works off a backlog on a real Orthanc on this machine, as a ratio to `GET …/rendered` alone at the same concurrency, and the
// CPU time of both processes, by stage. `--archive 100000` goes on to an archive of so many small films, in which nothing may
// grow; `--index` adds the index of docs/install.md to Orthanc's before. Linux alone. Compare what is in one run.
import { execFile } from 'node:child_process';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { z } from 'zod';
import { type SandboxOrthanc, startOrthanc } from '../src/sandbox/orthanc.js';
import { seeded } from '../testkit/random.js';
import { cpuMs, residentMegabytes } from './backlog/cpu.js';
import { type Kind, storeFilms } from './backlog/films.js';
import { measured, perSecond, type Run, waitForDecided, withBacklog } from './backlog/service.js';
import { mean } from './statistics.js';

const count = z.coerce.number().int().min(0);
const { large, small, concurrency, perStudy, archive, index, seed } = z
  .object({
    large: count,
    small: count,
    concurrency: count.min(1),
    'per-study': count.min(1),
    archive: count,
    index: z.boolean(),
    seed: count,
  })
  .transform(({ 'per-study': films, ...rest }) => ({ ...rest, perStudy: films }))
  .parse(
    parseArgs({
      options: {
        large: { type: 'string', default: '40' },
        small: { type: 'string', default: '400' },
        concurrency: { type: 'string', default: '4' },
        'per-study': { type: 'string', default: '2' },
        archive: { type: 'string', default: '0' },
        index: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
      },
    }).values,
  );
const random = seeded(seed);
const env = {
  PLAINVIEW_BACKLOG_CONCURRENCY: String(concurrency),
  PLAINVIEW_CONCURRENCY: String(concurrency),
};
/** Of the films, these come first and are not counted: nothing is compiled or cached yet. */
const warmUpShare = 0.2;

const kinds: Kind[] = [
  { name: 'large, 3000 × 2500', rows: 3000, columns: 2500, films: large },
  { name: 'small, 256 × 256', rows: 256, columns: 256, films: small },
].filter(({ films }) => films > 0);

const oneRun = z.object({
  films: z.number(),
  seconds: z.number(),
  plainviewMs: z.number(),
  orthancMs: z.number(),
});

/** Runs a script beside this file as a process of its own. @returns what it prints */
async function runScript(name: string, args: readonly (string | number)[]): Promise<unknown> {
  const script = fileURLToPath(new URL(`./backlog/${name}`, import.meta.url));
  const command = ['--import', 'tsx', script, ...args.map(String)];
  return JSON.parse((await promisify(execFile)(process.execPath, command)).stdout);
}

const renderAlone = async ({ url, pid }: SandboxOrthanc, ids: readonly string[]): Promise<Run> =>
  oneRun.parse(await runScript('render.ts', [url, pid, concurrency, ids.join(',')]));

async function measureKind(kind: Kind): Promise<void> {
  const orthanc = await startOrthanc({});
  try {
    const ids = await storeFilms(orthanc.url, kind, perStudy, random);
    const warmUp = Math.ceil(kind.films * warmUpShare);
    const counted = ids.slice(warmUp);
    await renderAlone(orthanc, ids.slice(0, warmUp));
    const before = await renderAlone(orthanc, counted);
    let service: Run | undefined;
    await withBacklog(orthanc, env, async (process, decided) => {
      await waitForDecided(decided, warmUp);
      const from = await decided();
      service = await measured({ plainview: process.pid, orthanc: orthanc.pid }, ids.length - from, () =>
        waitForDecided(decided, ids.length),
      );
    });
    const after = await renderAlone(orthanc, counted);
    if (service === undefined) throw new Error('the service was not measured');
    const fresh = await startOrthanc({});
    const stages = await storeFilms(fresh.url, kind, perStudy, random)
      .then((stored) => runScript('stages.ts', [fresh.url, fresh.pid, concurrency, warmUp, stored.join(',')]))
      .then((printed) => z.record(z.string(), oneRun).parse(printed))
      .finally(() => fresh.discard());
    const limit = mean([perSecond(before), perSecond(after)]);
    const cpuOf = ({ plainviewMs, orthancMs }: Run) => plainviewMs + orthancMs;
    const leastMs = mean([cpuOf(before), cpuOf(after)]);
    const row = (run: Run) => ({
      'a second': perSecond(run).toFixed(1),
      ratio: (perSecond(run) / limit).toFixed(2),
      // The same on a machine that does nothing else.
      'ratio by CPU': (leastMs / cpuOf(run)).toFixed(2),
      'CPU of Plainview, ms a film': run.plainviewMs.toFixed(1),
      'CPU of Orthanc, ms a film': run.orthancMs.toFixed(1),
    });
    console.log(
      `\n${kind.name}, ${kind.films} films, ${concurrency} at a time; load ${loadavg()[0]?.toFixed(1)}`,
    );
    console.table({
      'rendered alone, before': row(before),
      'rendered alone, after': row(after),
      'the service': row(service),
      ...Object.fromEntries(Object.entries(stages).map(([name, run]) => [`stage alone: ${name}`, row(run)])),
    });
  } finally {
    await orthanc.discard();
  }
}

/** As docs/install.md says for Orthanc with SQLite. */
async function addIndex(orthanc: SandboxOrthanc): Promise<void> {
  await orthanc.stop();
  await promisify(execFile)('sqlite3', [
    join(orthanc.folder, 'storage', 'index'),
    'CREATE INDEX IF NOT EXISTS PublicIdAndTypeIndex ON Resources(publicId, resourceType)',
  ]);
  await orthanc.restart();
}

/** An archive that is worked off in parts, to see what grows. */
async function measureArchive(films: number, parts = 10): Promise<void> {
  const orthanc = await startOrthanc({});
  try {
    if (index) await addIndex(orthanc);
    console.error(`${films} films are stored …`);
    const before = cpuMs(orthanc.pid);
    await storeFilms(orthanc.url, { rows: 16, columns: 16, films }, perStudy, random);
    console.error(
      `Orthanc took ${((cpuMs(orthanc.pid) - before) / films).toFixed(1)} ms of CPU a film for that.`,
    );
    const table: Record<string, Record<string, string>> = {};
    await withBacklog(orthanc, env, async (service, decided) => {
      let from = await decided();
      for (let part = 1; part <= parts; part++) {
        const to = Math.round((films * part) / parts);
        const run = await measured(
          { plainview: service.pid, orthanc: orthanc.pid },
          Math.max(1, to - from),
          () => waitForDecided(decided, to),
        );
        from = to;
        table[`to ${to}`] = {
          'a second': perSecond(run).toFixed(1),
          'CPU of Plainview, ms a film': run.plainviewMs.toFixed(1),
          'CPU of Orthanc, ms a film': run.orthancMs.toFixed(1),
          'memory of Plainview, MB': residentMegabytes(service.pid).toFixed(0),
          'memory of Orthanc, MB': residentMegabytes(orthanc.pid).toFixed(0),
          load: (loadavg()[0] ?? 0).toFixed(1),
        };
        console.error(table);
      }
    });
    console.log(
      `\n${films} films of 16 × 16, ${perStudy} a study, ${concurrency} at a time${index ? ', with the index' : ''}`,
    );
    console.table(table);
  } finally {
    await orthanc.discard();
  }
}

for (const kind of kinds) await measureKind(kind);
if (archive > 0) await measureArchive(archive);
