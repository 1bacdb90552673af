import type { OrderAnswer, OrderBecause, OrderFinding } from './schema.js';

const said = ({ said }: OrderBecause): string =>
  said.map(({ attribute, values }) => `${attribute} says ${values.join(' and ')}`).join(', ');
const part = (p: OrderBecause): string => `The picture shows ${p.shown}; ${said(p)}.`;
const projection = (p: OrderBecause): string => `The projection is ${p.shown}; ${said(p)}.`;

/**
 * The sentence of each finding, by its code. Codes stand in metadata, so they are never renamed; nor is a sentence changed
 * without need: what people have settled is known by it.
 */
export const orderSentences = {
  no_part_named: () => 'The description names no body part.',
  no_projection_named: () => 'The description names no projection.',
  no_side_named: () => 'The description names no side.',
  contradictory: (p: OrderBecause) => `The description contradicts itself: ${said(p)}.`,
  part_undecided: (p: OrderBecause) => `No body part was decided; ${said(p)}.`,
  projection_undecided: (p: OrderBecause) => `No projection was decided; ${said(p)}.`,
  part,
  part_near: (p: OrderBecause) => `${part(p)} These are near each other.`,
  parts: (p: OrderBecause) => `${part(p)} Several parts were meant.`,
  projection,
  projection_similar: (p: OrderBecause) => `${projection(p)} These resemble each other.`,
  projections: (p: OrderBecause) => `${projection(p)} Several projections were meant.`,
  unpaired: (p: OrderBecause) => `${p.shown} has no side.`,
  one_side: (p: OrderBecause) => `Nothing to compare: only ${said(p)}.`,
  sides: (p: OrderBecause) => `${said(p)}.`,
  marker: (p: OrderBecause) => `The marker on the film says ${p.shown}; ${said(p)}.`,
};

/** The values that one attribute gives for one aspect: body part, projection or side. */
export interface Statement<T> {
  attribute: string;
  values: ReadonlySet<T>;
}

/** @param shown what the picture shows, or the body part that was meant, or what the marker says */
export function finding(
  answer: OrderAnswer,
  code: keyof typeof orderSentences,
  statements: readonly Statement<string>[] = [],
  shown?: string,
): OrderFinding {
  const because: OrderBecause = {
    code,
    ...(shown === undefined ? {} : { shown }),
    said: statements.map(({ attribute, values }) => ({ attribute, values: [...values] })),
  };
  return { answer, reason: orderSentences[code](because), because };
}
