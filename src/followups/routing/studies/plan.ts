import type { Categories } from '../../../anatomy/categories.js';
import { metadataAsReceived } from '../../../decisions/tags-record.js';
import type { KnownDestinations } from '../../../orthanc/forwarder.js';
import type { StudyTree } from '../../../orthanc/hierarchy.js';
import type { StudyRoute } from '../routes-record.js';
import { nameOf, type Target, targetsOf } from '../rules/schema.js';
import { evaluateStudyRules, type StudyVerdict } from './evaluate.js';
import type { StudyFacts } from './facts.js';
import type { StudyRule, StudyRules } from './schema.js';

/** The results of the rules on studies for one study, and what is to be done. */
export interface StudyPlan {
  verdicts: StudyVerdict[];
  labels: string[];
  sends: { rule: StudyRule; to: string; whyNot?: string }[];
}

/** @param former the routes of the study so far */
export function planStudy(
  rules: StudyRules,
  { instances }: Pick<StudyTree, 'instances'>,
  facts: StudyFacts,
  former: readonly StudyRoute[],
  { categories, aets }: { categories: Categories } & Pick<KnownDestinations, 'aets'>,
): StudyPlan {
  const verdicts = evaluateStudyRules(rules, facts, categories);
  const applying = verdicts.flatMap(({ rule, whyNot }) => (whyNot === undefined ? [rule] : []));
  // A webhook is told by each rule. Anywhere else the study itself goes, once.
  const sends = new Map<string, { rule: StudyRule; target: Target }>();
  for (const rule of applying)
    for (const target of targetsOf(rule)) {
      const key = keyOf(target, rule.name);
      if (!sends.has(key)) sends.set(key, { rule, target });
    }
  const senders = new Set(
    instances
      .map(metadataAsReceived)
      .flatMap(({ Origin, RemoteAET }) =>
        Origin === 'DicomProtocol' && RemoteAET !== undefined ? [RemoteAET] : [],
      ),
  );
  return {
    verdicts,
    labels: [...new Set(applying.flatMap(({ do: { label = [] } }) => label))].sort(),
    sends: [...sends].map(([key, { rule, target }]) => {
      const aet = target.kind === 'modality' ? aets.get(target.name) : undefined;
      const whyNot =
        aet !== undefined && senders.has(aet)
          ? 'a picture came from there'
          : whyNotAgain(
              rule,
              facts.content,
              former.findLast((each) => each.state !== 'skipped' && keyOfRoute(each) === key),
            );
      return { rule, to: nameOf(target), ...(whyNot === undefined ? {} : { whyNot }) };
    }),
  };
}

const keyOf = (target: Target, rule: string): string =>
  target.kind === 'webhook' ? `${nameOf(target)}\n${rule}` : nameOf(target);
const keyOfRoute = ({ to, rule }: StudyRoute): string => (to.startsWith('webhook:') ? `${to}\n${rule}` : to);

function whyNotAgain(
  { again }: StudyRule,
  content: string,
  last: StudyRoute | undefined,
): string | undefined {
  if (last === undefined || last.state === 'failed') return undefined;
  if (last.state === 'pending') return last.of === content ? `it waits since ${last.asked}` : undefined;
  if (last.of !== content && again === 'changed') return undefined;
  return `it was sent there at ${last.ended}`;
}

/** Whether both tell the same: a webhook by one rule, or send the study to one place. */
export const isSameRoute = (a: StudyRoute, b: StudyRoute): boolean => keyOfRoute(a) === keyOfRoute(b);

/** Ended routes that the record keeps, of those that tell the same. */
const maxEnded = 5;

/** Drops old routes, but never the last one that told something: else it would be told again. */
export function withoutOld(routes: readonly StudyRoute[]): StudyRoute[] {
  return routes.filter((route, index) => {
    const later = routes
      .slice(index + 1)
      .filter((each) => isSameRoute(each, route) && each.state !== 'pending');
    const isLastTold = route.state !== 'skipped' && later.every(({ state }) => state === 'skipped');
    return route.state === 'pending' || isLastTold || later.length < maxEnded;
  });
}
