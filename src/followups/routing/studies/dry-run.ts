import type { Categories } from '../../../anatomy/categories.js';
import type { KnownDestinations } from '../../../orthanc/forwarder.js';
import type { StudyTree } from '../../../orthanc/hierarchy.js';
import { studyRoutesOf } from '../routes-record.js';
import { whyExcluded } from '../rules/facts.js';
import type { Rules } from '../rules/read.js';
import { type StudyFacts, studyFactsOf } from './facts.js';
import { planStudy, type StudyPlan } from './plan.js';

export interface StudyDryRun {
  tree: StudyTree;
  facts: StudyFacts;
  plan: StudyPlan;
  /** Pictures without a category: the service waits for them for some time. */
  waiting: number;
}

/**
 * Applies the rules on studies to a study as it is now. Writes and sends nothing.
 * @returns undefined where there are no such rules, or none of its pictures is decided and routed at all
 */
export function dryRunStudy(
  rules: Rules,
  tree: StudyTree,
  {
    modalities,
    ...known
  }: { modalities: readonly string[]; categories: Categories } & Pick<KnownDestinations, 'aets'>,
): StudyDryRun | undefined {
  if (rules.studies === undefined) return undefined;
  const facts = studyFactsOf(tree, modalities);
  const decided = new Set(
    facts.pictures.filter(({ decision }) => decision !== 'undecided').map(({ instance }) => instance),
  );
  if (!tree.instances.some((each) => decided.has(each.ID) && whyExcluded(each, rules) === undefined))
    return undefined;
  const former = studyRoutesOf(tree.study)?.routes ?? [];
  return {
    tree,
    facts,
    plan: planStudy(rules.studies, tree, facts, former, known),
    waiting: facts.pictures.filter(({ category }) => category === undefined).length,
  };
}

/** The actions that the rules would take for a study. `whyNot` is given for a route that is not needed. */
export const plannedStudyActions = ({
  plan: { sends, verdicts },
}: StudyDryRun): { rule: string; does: string; whyNot?: string }[] => [
  ...sends.map(({ rule, to, whyNot }) => ({
    rule: rule.name,
    does: to,
    ...(whyNot === undefined ? {} : { whyNot }),
  })),
  ...verdicts
    .filter(({ whyNot }) => whyNot === undefined)
    .flatMap(({ rule }) =>
      (rule.do.label ?? []).map((label) => ({ rule: rule.name, does: `label:${label}` })),
    ),
];
