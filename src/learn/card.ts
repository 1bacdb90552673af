import { otherClass } from '../classify/decide.js';
import type { Network } from '../classify/network.js';
import { counted, interval, percent, pText, thresholdsText } from '../evaluate/format.js';
import type { Proportion } from '../evaluate/statistics.js';
import type { Training } from './train.js';

export interface CardOptions {
  readonly training: Training;
  readonly base: Network;
  readonly network: Network;
  readonly data: string;
  readonly seed: number;
  readonly when: Date;
}

/** What changed, as lines for the terminal and the card. */
export function findings({ verdict, added, folds, results, used }: Training): string[] {
  const { named, figures, worse, newCategories, kept, objections } = verdict;
  const { old, new: now } = figures;
  const unknown = results[0].filter(({ picture }) => picture.patient === undefined).length;
  const share = (before: Proportion, after: Proportion) =>
    `${percent(before.share)} % → ${percent(after.share)} % (of ${after.of})`;
  return [
    `measured on patients that were left out (${folds} folds)`,
    `named as people did: ${named.old} → ${named.new} of ${named.n} (only before ${named.onlyOld}, only now ${named.onlyNew}, McNemar's exact test, one-sided, p ${pText(named.p)})`,
    `accuracy, of its categories: ${share(old.accuracy, now.accuracy)}`,
    `labelled at the thresholds: ${share(old.labelled, now.labelled)}`,
    `right of the labelled: ${share(old.rightOfLabelled, now.rightOfLabelled)}`,
    `${otherClass} caught: ${share(old.otherCaught, now.otherCaught)}`,
    `calibration error: ${percent(old.calibration.error)} % → ${percent(now.calibration.error)} %`,
    ...(kept.of === 0
      ? []
      : [`confident decisions of the network in use that it makes too: ${kept.count} of ${kept.of}`]),
    ...newCategories.map(
      ({ category, sensitivity, ppvWithOther }) =>
        `new category ${category}: sensitivity ${percent(sensitivity.share)} % (${interval(sensitivity)}; ${counted(sensitivity)}), PPV ${percent(ppvWithOther.share)} % (${counted(ppvWithOther)})`,
    ),
    ...(used.repeated === 0
      ? []
      : [
          `${used.repeated} pictures occur more than once, and count once; patients who share one are never divided`,
        ]),
    ...(unknown === 0
      ? []
      : [
          `of ${unknown} pictures the patient is not known, and each counts as of its own: where patients have several, these figures are too good`,
        ]),
    ...(added.includes(otherClass) ? [`new class ${otherClass}: none of the categories`] : []),
    ...worse.map(
      ({ category, before, after, n }) => `WORSE: ${category}, right ${before} → ${after} of ${n}`,
    ),
    ...objections.map((objection) => `OBJECTION: ${objection}`),
  ];
}

/** The network's card, in Markdown. */
export function cardOf({ training, base, network, data, seed, when }: CardOptions): string {
  const { used, strength, temperature, leftOut, verdict } = training;
  const left = Object.entries(leftOut).map(([label, n]) => `${label} (${n})`);
  const rows = verdict.figures.new.categories
    .filter(({ n }) => n > 0)
    .map(({ category, n, sensitivity, ppvWithOther }) => {
      const before = verdict.figures.old.categories.find((row) => row.category === category);
      return `| ${category} | ${n} | ${percent(before?.sensitivity.share ?? null)} | ${percent(sensitivity.share)} (${interval(sensitivity)}) | ${percent(ppvWithOther.share)} |`;
    });
  return `# ${network.name}

Trained by Plainview on ${when.toISOString().slice(0, 10)}, from \`${base.name}\` (SHA-256 \`${base.sha256}\`). Only the last layer was
changed. Purpose: ${network.purpose}. SHA-256 \`${network.sha256}\`.
${verdict.objections.length === 0 ? '' : '\n**It was written although it is not better than the network from which it was trained.** The objections are below.\n'}
- data: ${data}
- ${used.person} pictures of ${used.patients} patients that people labelled${used.replay === 0 ? '' : `, and ${used.replay} confident decisions that were replayed`}
- strength of the pull towards the old layer ${strength}, temperature ${temperature.toFixed(3)}, seed ${seed}
- ${thresholdsText(network.thresholds)}
${left.length === 0 ? '' : `- left out, because the network has no output for them: ${left.join(', ')}\n`}
## How it compares

${findings(training)
  .map((line) => `- ${line}`)
  .join('\n')}

## By category

Percent, nothing held back, on patients that were left out. The last column counts all pictures.

| category | n | sensitivity before | sensitivity | PPV |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

The figures are of the heads of the folds; this network was fitted to all pictures. They are those of the pictures that people
looked at, not of all radiographs. \`report.html\` has all figures.
`;
}
