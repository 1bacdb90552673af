import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { pMapIterable } from 'p-map';
import { Categories } from '../anatomy/categories.js';
import { readClasses } from '../classify/network.js';
import { loadConfig } from '../config/load.js';
import type { Selection } from '../contract/selection.js';
import { createError } from '../errors/errors.js';
import { csvLine } from '../files/csv.js';
import { requireNewFile, writeResult } from '../files/result-file.js';
import {
  type DryRunResult,
  DryRunTotals,
  dryRunInstance,
  plannedActions,
} from '../followups/routing/dry-run.js';
import { routesOf } from '../followups/routing/routes-record.js';
import { bestScore } from '../followups/routing/rules/evaluate.js';
import {
  type Rules,
  readRules,
  requireKnownDestinations,
  unknownDestinations,
} from '../followups/routing/rules/read.js';
import { dryRunStudy, type StudyDryRun } from '../followups/routing/studies/dry-run.js';
import { filesInUse } from '../networks/choice.js';
import { studyDates } from '../orthanc/dates.js';
import type { KnownDestinations } from '../orthanc/forwarder.js';
import { anyId, type StudyId } from '../orthanc/ids.js';
import { Orthanc } from '../orthanc/orthanc.js';
import { select } from '../select/select.js';
import { progressBar } from './progress.js';
import { retryCommand } from './rules-retry.js';
import { StudyTotals, studyExplanation, studyLines } from './rules-studies.js';
import { parseSelection } from './selection.js';

interface Session {
  orthanc: Orthanc;
  rules: Rules;
  known: KnownDestinations;
  modalities: readonly string[];
  categories: Categories;
}

const fileOption = ['--file <file>', 'the rules (default: PLAINVIEW_RULES_FILE)'] as const;

export const rulesCommand = () =>
  new Command('rules')
    .description('check and test the routing rules, and send again what a destination refused')
    .addCommand(checkCommand())
    .addCommand(testCommand())
    .addCommand(dryRunCommand())
    .addCommand(retryCommand());

const checkCommand = () =>
  new Command('check')
    .description('check a file of rules, and whether Orthanc knows the destinations')
    .option(...fileOption)
    .option('--offline', 'do not check the destinations in Orthanc')
    .action(async ({ file, offline }: { file?: string; offline?: true }) => {
      const rules = offline
        ? await read(file)
        : await session(file, async ({ rules, known }) => {
            requireKnownDestinations(rules, known);
            return rules;
          });
      const destinations = offline ? 'destinations not checked' : 'Orthanc knows every destination';
      const count = rules.rules.length + (rules.studies?.rules.length ?? 0);
      console.log(`${rules.file}: ${count} rules, nothing wrong; ${destinations}`);
    });

const testCommand = () =>
  new Command('test')
    .description('show which rules apply to an instance and its study, and why the others do not')
    .requiredOption('--instance <id...>', "Orthanc's identifiers, or SOP Instance UIDs")
    .option(...fileOption)
    .action(async ({ instance, file }: { instance: string[]; file?: string }) => {
      await session(file, async (open) => {
        const { orthanc, rules, known, modalities } = open;
        warnOfDestinations(rules, known);
        for (const named of instance) {
          const id = anyId.safeParse(named);
          const ids = id.success ? [id.data] : (await orthanc.search.lookup(named)).map((each) => each.id);
          const found = await orthanc.hierarchy.instancesBelow(ids, modalities);
          if (found.length === 0)
            throw createError('usage', {
              problem: `Orthanc has no radiograph ${named} (PLAINVIEW_MODALITIES)`,
            });
          for (const each of found) {
            const result = await dryRunInstance(orthanc, rules, known, each);
            if (result === undefined) console.log(`${each.ID}: not decided, so no rule applies`);
            else console.log(explanation(result));
          }
          if (rules.studies === undefined) continue;
          const places = await orthanc.hierarchy.identifiersByInstance(found.map(({ ID }) => ID));
          const studies = new Set([...places.values()].map(({ study }) => study));
          for await (const run of runStudies(open, [...studies])) console.log(studyExplanation(run));
        }
      });
    });

const dryRunCommand = () =>
  new Command('dry-run')
    .description(
      'count what the rules would do if every instance in the archive were decided again with the same result',
    )
    .option('--from <date>', 'only Study Dates from this day on (2026-01-31)')
    .option('--to <date>', 'only Study Dates up to this day')
    .option('--csv <file>', 'write one line per action to a new file')
    .option(...fileOption)
    .action(async ({ from, to, csv, file }: { from?: string; to?: string; csv?: string; file?: string }) => {
      const wanted = parseSelection(from === undefined && to === undefined ? { all: true } : { from, to });
      if (csv !== undefined) await requireNewFile(csv);
      await session(file, async (open) => {
        warnOfDestinations(open.rules, open.known);
        const totals = new DryRunTotals(open.rules);
        const studyTotals = open.rules.studies && new StudyTotals();
        const lines = dryRun(open, wanted, totals, studyTotals);
        if (csv === undefined) for await (const _ of lines);
        else await writeResult(csv, (part) => pipeline(lines, createWriteStream(part)));
        console.log(summary(totals));
        if (studyTotals !== undefined) console.log(studyTotals.summary);
      });
    });

/** Adds each result to the totals, and yields one line of the table per action. */
async function* dryRun(
  open: Session,
  wanted: Selection,
  totals: DryRunTotals,
  studyTotals: StudyTotals | undefined,
): AsyncGenerator<string> {
  const { orthanc, rules, known, modalities } = open;
  const bar = progressBar(undefined, 'instances');
  const head = ['instance', 'decided', 'decision', 'category', 'score', 'rule', 'does', 'why_not'];
  yield `${csvLine(studyTotals === undefined ? head : [...head, 'study'])}\r\n`;
  try {
    for await (const page of select(orthanc, wanted, modalities))
      for await (const result of pMapIterable(page, (each) => dryRunInstance(orthanc, rules, known, each), {
        concurrency: 4,
      })) {
        totals.add(result);
        if (result !== undefined) yield* linesOf(result);
        bar.advance();
      }
    if (studyTotals === undefined) return;
    for await (const studies of studiesOf(orthanc, wanted))
      for await (const run of runStudies(open, studies)) {
        studyTotals.add(run);
        yield* studyLines(run);
      }
  } finally {
    bar.stop();
  }
}

/** The studies of a time, each once, in pages. */
async function* studiesOf(orthanc: Orthanc, wanted: Selection): AsyncGenerator<StudyId[]> {
  const seen = new Set<StudyId>();
  for (let since = 0; ; ) {
    const page = await orthanc.search.series(studyDates(wanted), { since, limit: 100 });
    if (page.length === 0) return;
    const studies = [...new Set(page.map(({ study }) => study))].filter((study) => !seen.has(study));
    for (const study of studies) seen.add(study);
    yield studies;
    since += page.length;
  }
}

async function* runStudies(
  { orthanc, rules, known: { aets }, modalities, categories }: Session,
  studies: readonly StudyId[],
): AsyncGenerator<StudyDryRun> {
  for (const tree of await orthanc.hierarchy.trees(studies)) {
    const run = dryRunStudy(rules, tree, { modalities, categories, aets });
    if (run !== undefined) yield run;
  }
}

/** @throws rules_invalid */
async function read(file: string | undefined): Promise<Rules> {
  const config = loadConfig(process.env);
  const path = file ?? config.rulesFile;
  if (path === undefined)
    throw createError('usage', { problem: 'name a file of rules with --file, or set PLAINVIEW_RULES_FILE' });
  const classes = await readClasses(await filesInUse(config));
  return readRules(path, [...Categories.read(config.viewsFile).known(classes), ...classes]);
}

/** A file can be tried before, or at another Orthanc than, the one that knows its destinations. */
function warnOfDestinations(rules: Rules, known: KnownDestinations): void {
  for (const problem of unknownDestinations(rules, known))
    console.error(`${rules.file}, ${problem}. Before the service starts with this file, add it.`);
}

/** Reads the rules, and passes them to `use` with an Orthanc. */
async function session<T>(file: string | undefined, use: (open: Session) => Promise<T>): Promise<T> {
  const rules = await read(file);
  const config = loadConfig(process.env);
  const orthanc = new Orthanc(config);
  try {
    const known = await orthanc.forwarder.destinations();
    const categories = Categories.read(config.viewsFile);
    return await use({ orthanc, rules, known, modalities: config.modalities, categories });
  } finally {
    orthanc.close();
  }
}

function explanation({ instance, record, plan }: DryRunResult): string {
  const score = bestScore(record)?.toFixed(5) ?? 'no score';
  const lines = [
    `${instance.ID}: ${record.decision} ${record.category ?? ''} (${score}), by a ${record.who}, ${record.when}`,
  ];
  if (plan.excluded === 'before_since')
    lines.push('  left alone: Orthanc received it before the day that since names');
  if (plan.excluded === 'copy')
    lines.push('  left alone: it is a modified or anonymised copy (copies: false)');
  for (const { rule, whyNot } of plan.verdicts)
    lines.push(whyNot === undefined ? `  + ${rule.name}` : `  - ${rule.name}: ${whyNot}`);
  for (const { does, rule, whyNot } of plannedActions({ instance, record, plan }))
    lines.push(`  → ${does} (${rule})${whyNot === undefined ? '' : `: not, ${whyNot}`}`);
  for (const { to, rule, state, ended, asked: since, why } of routesOf(instance)?.routes ?? [])
    lines.push(
      `  so far: ${to} (${rule}) ${state} ${ended ?? `since ${since}`}${why === undefined ? '' : `: ${why}`}`,
    );
  return lines.join('\n');
}

function* linesOf(result: DryRunResult): Generator<string> {
  const { ID } = result.instance;
  const { when, decision, category } = result.record;
  for (const { rule, does, whyNot } of plannedActions(result))
    yield `${csvLine([ID, when, decision, category, bestScore(result.record), rule, does, whyNot])}\r\n`;
}

function summary(totals: DryRunTotals): string {
  const { counts, decided, undecided, noRule, notNeeded, excluded } = totals;
  const width = {
    rule: longest(counts.map(({ rule }) => rule)),
    does: longest(counts.map(({ does }) => does)),
  };
  return [
    `${decided} decided radiographs looked at, ${undecided} not decided`,
    ...counts.map(
      ({ rule, does, count }) => `  ${rule.padEnd(width.rule)}  ${does.padEnd(width.does)}  ${count}`,
    ),
    `${noRule} to which no rule applies; ${notNeeded} transfers not needed; left alone: ${excluded.before_since} received before since, ${excluded.copy} copies`,
  ].join('\n');
}

const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map(({ length }) => length));
