import { csvLine } from '../files/csv.js';
import { studyRoutesOf } from '../followups/routing/routes-record.js';
import { plannedStudyActions, type StudyDryRun } from '../followups/routing/studies/dry-run.js';

/** What `rules test` says of a study. */
export function studyExplanation(run: StudyDryRun): string {
  const { tree, facts, plan, waiting } = run;
  const pictures = facts.pictures.map(({ category, decision, side }) =>
    [category ?? decision, side].filter((each) => each !== undefined).join(' '),
  );
  const lines = [`study ${tree.study.ID}: ${pictures.join(', ')}`];
  if (waiting > 0) lines.push(`  without a category: ${waiting}. The service waits for them (waitMinutes)`);
  for (const { rule, whyNot } of plan.verdicts)
    lines.push(whyNot === undefined ? `  + ${rule.name}` : `  - ${rule.name}: ${whyNot}`);
  for (const { does, rule, whyNot } of plannedStudyActions(run))
    lines.push(`  → ${does} (${rule})${whyNot === undefined ? '' : `: not, ${whyNot}`}`);
  for (const { to, rule, state, ended, asked, why } of studyRoutesOf(tree.study)?.routes ?? [])
    lines.push(
      `  so far: ${to} (${rule}) ${state} ${ended ?? `since ${asked}`}${why === undefined ? '' : `: ${why}`}`,
    );
  return lines.join('\n');
}

/** Lines of the table of a dry run: like those of instances, with the study in the last column. */
export function* studyLines(run: StudyDryRun): Generator<string> {
  for (const { rule, does, whyNot } of plannedStudyActions(run))
    yield `${csvLine(['', '', '', '', '', rule, does, whyNot, run.tree.study.ID])}\r\n`;
}

/** Counts over many studies what each rule would do. */
export class StudyTotals {
  readonly #counts = new Map<string, number>();
  #studies = 0;
  #waiting = 0;
  #notNeeded = 0;

  add(run: StudyDryRun): void {
    this.#studies++;
    if (run.waiting > 0) this.#waiting++;
    for (const { rule, does, whyNot } of plannedStudyActions(run)) {
      const key = `${rule}  ${does}`;
      if (whyNot === undefined) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
      else this.#notNeeded++;
    }
  }

  get summary(): string {
    return [
      `${this.#studies} studies looked at, ${this.#waiting} of them with pictures without a category`,
      ...[...this.#counts].map(([what, count]) => `  ${what}  ${count}`),
      `${this.#notNeeded} transfers of studies not needed`,
    ].join('\n');
  }
}
