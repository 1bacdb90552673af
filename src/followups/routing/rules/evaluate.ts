import type { InstanceRecord } from '../../../decisions/schema.js';
import type { OrderAnswer } from '../../../order-check/schema.js';
import { matchesWildcards } from '../../../orthanc/wildcards.js';
import type { Facts } from './facts.js';
import { isBetween, localTime } from './local-time.js';
import type { Rules } from './read.js';
import { type Conditions, nameOf, type Rule, type Target, targetsOf } from './schema.js';

/** Whether one rule applies to an instance. */
export interface RuleVerdict {
  rule: Rule;
  /** Why it does not apply; absent if it does. */
  whyNot?: string;
}

/** The actions of all rules that apply. */
export interface RuleActions {
  sends: { rule: Rule; target: Target }[];
  labels: string[];
}

/** Evaluates the rules in their order. After a rule with `stop` applies, no other applies. */
export function evaluateRules(rules: Rules, facts: Facts): RuleVerdict[] {
  let stopped: string | undefined;
  return rules.rules.map((rule) => {
    const whyNot =
      stopped === undefined ? whyNotRule(rule, facts, rules.timeZone) : `the rule ${stopped} has stopped`;
    if (whyNot !== undefined) return { rule, whyNot };
    if (rule.do.stop) stopped = rule.name;
    return { rule };
  });
}

/** Where several rules have the same destination, the first one sends. */
export function actionsOf(verdicts: readonly RuleVerdict[]): RuleActions {
  const sends = new Map<string, RuleActions['sends'][number]>();
  const labels = new Set<string>();
  for (const { rule, whyNot } of verdicts) {
    if (whyNot !== undefined) continue;
    for (const target of targetsOf(rule))
      if (!sends.has(nameOf(target))) sends.set(nameOf(target), { rule, target });
    for (const label of rule.do.label ?? []) labels.add(label);
  }
  return { sends: [...sends.values()], labels: [...labels].sort() };
}

/** 1 for a person's decision: `top` still holds the scores of the network. */
export const bestScore = ({ who, top }: InstanceRecord): number | undefined =>
  who === 'person' ? 1 : top[0]?.score;

function whyNotRule({ when, unless }: Rule, facts: Facts, timeZone: string): string | undefined {
  const [whyNot] = unfulfilled(when, facts, timeZone);
  if (whyNot !== undefined) return whyNot;
  if (unless === undefined || unfulfilled(unless, facts, timeZone).length > 0) return undefined;
  return `unless ${Object.keys(unless).join(', ')}: that is so`;
}

/** A text for each condition that does not hold. The texts contain no values of DICOM attributes. */
function unfulfilled(wanted: Conditions, { record, sender, tags }: Facts, timeZone: string): string[] {
  const found: string[] = [];
  const expect = (holds: boolean, whyNot: () => string) => {
    if (!holds) found.push(whyNot());
  };
  const { category, decision, score, who, station, order, time } = wanted;
  if (category !== undefined)
    expect(
      record.category !== undefined && isOne(record.category, category),
      () => `the category is ${record.category ?? 'none'}, not ${category.join(' or ')}`,
    );
  if (decision !== undefined)
    expect(
      decision.includes(record.decision),
      () => `the decision is ${record.decision}, not ${decision.join(' or ')}`,
    );
  if (score !== undefined) {
    const best = bestScore(record) ?? 0;
    expect(best >= (score.from ?? 0), () => `the score is ${best}, less than ${score.from}`);
    expect(best < (score.below ?? 2), () => `the score is ${best}, not below ${score.below}`);
  }
  if (who !== undefined) expect(record.who === who, () => `a ${record.who} decided, not a ${who}`);
  if (wanted.sender !== undefined) {
    const senders = wanted.sender;
    expect(
      isOne(sender, senders),
      () => `it came from ${sender || 'no AE title'}, not ${senders.join(' or ')}`,
    );
  }
  const attributes = { ...wanted.tags, ...(station === undefined ? {} : { StationName: station }) };
  for (const [keyword, patterns] of Object.entries(attributes))
    expect(
      (tags.get(keyword) ?? '').split('\\').some((value) => isOne(value.trim(), patterns)),
      () => `${keyword} is ${tags.has(keyword) ? 'another' : 'absent'}, not ${patterns.join(' or ')}`,
    );
  const accepted: { [K in keyof OrderAnswers]?: OrderAnswer[] | undefined } = order ?? {};
  const answers = orderAnswers(record);
  for (const what of ['whole', 'bodyPart', 'projection', 'side'] as const)
    expect(
      accepted[what]?.includes(answers[what]) ?? true,
      () => `the order check says ${answers[what]} (${what}), not ${accepted[what]?.join(' or ')}`,
    );
  if (time !== undefined) {
    const local = localTime(new Date(record.when), timeZone);
    expect(
      (time.days?.includes(local.day) ?? true) &&
        (time.between === undefined || isBetween(local.time, time.between)),
      () => `it was decided on ${local.day} at ${local.time}, out of the rule's time`,
    );
  }
  return found;
}

type OrderAnswers = Record<'whole' | 'bodyPart' | 'projection' | 'side', OrderAnswer>;

/** Where the order was not compared, the answer is `cannot_tell`. */
function orderAnswers({ order }: InstanceRecord): OrderAnswers {
  return {
    whole: order?.answer ?? 'cannot_tell',
    bodyPart: order?.bodyPart.answer ?? 'cannot_tell',
    projection: order?.projection.answer ?? 'cannot_tell',
    side: order?.side.answer ?? 'cannot_tell',
  };
}

const isOne = (text: string, patterns: readonly string[]): boolean =>
  patterns.some((pattern) => matchesWildcards(pattern, text));
