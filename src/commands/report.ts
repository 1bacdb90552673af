import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { pino } from 'pino';
import { Categories } from '../anatomy/categories.js';
import { readViews } from '../classify/network.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/options.js';
import {
  type Dimension,
  defaultNetworkScore,
  dimensions,
  type QualityReport,
  qualityRequest,
} from '../contract/quality.js';
import { createError } from '../errors/errors.js';
import { makeFolder } from '../files/make-folder.js';
import { ownerOnly } from '../files/replace.js';
import { requireWritable, withWriteErrors, writeResult } from '../files/result-file.js';
import { filesInUse } from '../networks/choice.js';
import { studyDates } from '../orthanc/dates.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { retryWhileAway } from '../orthanc/retry-while-away.js';
import { csvOf } from '../quality/csv.js';
import { qualityPage } from '../quality/html/page.js';
import { makeReport, type Wanted } from '../quality/make.js';
import { qualityText } from '../quality/terminal.js';
import { fraction } from './arguments.js';
import { progressBar } from './progress.js';

const formats = ['html', 'csv', 'json'] as const;

interface Options {
  from?: string;
  to?: string;
  by: string;
  score: number;
  out?: string;
  format: string;
}

export const reportCommand = () =>
  new Command('report')
    .description(
      'count radiographs with missing or wrong DICOM attributes, wrong side, order mismatch or no decision, without patient data',
    )
    .option('--from <date>', 'only Study Dates from this day on (2026-01-31)')
    .option('--to <date>', 'only Study Dates up to this day')
    .option('--by <what>', `one or more of ${dimensions.join(',')}`, dimensions.join(','))
    .option(
      '--score <score>',
      "the network's score from which its category counts against an attribute",
      fraction,
      defaultNetworkScore,
    )
    .option('--out <folder>', 'also write the report into this folder: report.html, report.csv, report.json')
    .option('--format <formats>', `with --out: one or more of ${formats.join(',')}`, formats.join(','))
    .addHelpText(
      'after',
      `
docs/report.md tells what counts as wrong. What a person and what a network contradicts are counted apart: never add them.
The options PLAINVIEW_ORTHANC_… set the Orthanc; links to examples begin with PLAINVIEW_ORTHANC_PAGES.`,
    )
    .action(async (options: Options) => {
      const config = loadConfig(process.env);
      const wanted = wantedOf(options);
      const by = listOf('--by', options.by, dimensions);
      const files = listOf('--format', options.format, formats).map((format) => ({
        format,
        path: join(options.out ?? '', `report.${format}`),
      }));
      const { out } = options;
      if (out !== undefined) {
        await withWriteErrors(async () => makeFolder(out));
        for (const { path } of files) await requireWritable(path);
      }
      const report = await made(config, wanted, by);
      if (out !== undefined)
        for (const { format, path } of files)
          await writeResult(path, (part) => writeFile(part, contentOf(format, report, config), ownerOnly));
      console.log(qualityText(report));
      if (out !== undefined) console.error(`written: ${files.map(({ path }) => path).join(', ')}`);
    });

/** @throws interrupted after Ctrl-C, else as `makeReport` */
async function made(config: Config, wanted: Wanted, by: readonly Dimension[]): Promise<QualityReport> {
  const orthanc = new Orthanc(config);
  const interrupted = new AbortController();
  const { signal } = interrupted;
  const interrupt = () => {
    interrupted.abort();
    orthanc.close();
  };
  process.once('SIGINT', interrupt);
  const log = pino({ level: 'silent' });
  const categories = Categories.read(config.viewsFile);
  categories.declare(await readViews(await filesInUse(config)));
  try {
    // Without a retry: where Orthanc does not answer at all, the command ends.
    const bar = progressBar(await orthanc.search.countSeries(studyDates(wanted)), 'series');
    const report = await makeReport({
      orthanc,
      categories,
      config,
      wanted,
      dimensions: by,
      onPage: ({ series }) => bar.advance(series),
      retry: (step) => retryWhileAway(step, { orthanc, log }, signal),
    }).finally(() => bar.stop());
    signal.throwIfAborted();
    return report;
  } catch (error) {
    throw signal.aborted ? createError('interrupted', { what: 'the report' }, error) : error;
  } finally {
    process.off('SIGINT', interrupt);
    orthanc.close();
  }
}

function contentOf(format: (typeof formats)[number], report: QualityReport, config: Config): string {
  switch (format) {
    case 'html':
      return qualityPage(report, (config.orthancPages ?? config.orthancUrl[0]).replace(/\/+$/, ''));
    case 'csv':
      return csvOf(report);
    case 'json':
      return `${JSON.stringify(report, null, 1)}\n`;
  }
}

/** @throws usage */
function wantedOf({ from, to, score }: Options): Wanted {
  const parsed = qualityRequest.safeParse({ from, to, networkScore: score });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw createError('usage', { problem: `--${issue?.path.join(' ')}: ${issue?.message}` });
}

/** @throws usage */
function listOf<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  const given = text.split(',').map((item) => item.trim());
  const unknown = given.find((item) => !known.some((each) => each === item));
  if (unknown !== undefined)
    throw createError('usage', { problem: `${option}: ${unknown} is none of ${known.join(', ')}` });
  return known.filter((each) => given.includes(each));
}
