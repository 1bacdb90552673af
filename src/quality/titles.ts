import type { Dimension, FigureName, QualityFigure } from '../contract/quality.js';

export const titles: Readonly<Record<FigureName, string>> = {
  withoutBodyPart: 'without Body Part Examined',
  withoutView: 'without View Position',
  wrongBodyPartByPerson: 'wrong Body Part Examined, by a person',
  wrongBodyPartByNetwork: 'wrong Body Part Examined, by the network',
  wrongViewByPerson: 'wrong View Position, by a person',
  wrongViewByNetwork: 'wrong View Position, by the network',
  wrongSide: 'wrong side',
  orderMismatch: 'order mismatch',
  orderMismatchOpen: 'order mismatch, open',
  orderMismatchAnswered: 'order mismatch, answered',
  undecided: 'undecided',
};

/** What each figure counts, and of what. */
export const meanings = (networkScore: number): Readonly<Record<FigureName, string>> => {
  const network = `no person has decided, and the network gives the category with a score of at least ${networkScore}`;
  const known = 'Of those with a value that Plainview knows';
  return {
    withoutBodyPart: 'Body Part Examined (0018,0015) is absent or empty. Of all files that could be read.',
    withoutView: 'View Position (0018,5101) is absent or empty. Of all files that could be read.',
    wrongBodyPartByPerson: `It contradicts the category that a person has set or confirmed. ${known} and that a person has decided.`,
    wrongBodyPartByNetwork: `It contradicts the network's category. ${known} where ${network}.`,
    wrongViewByPerson: `It contradicts the category that a person has set or confirmed. ${known} and that a person has decided.`,
    wrongViewByNetwork: `It contradicts the network's category. ${known} where ${network}.`,
    wrongSide:
      'The attributes of the picture and of its order, or the marker on the film, name different sides. Of those where two of these name a side.',
    orderMismatch:
      'Body part, projection or side is not what was ordered. Of those where at least one of the three could be compared.',
    orderMismatchOpen: 'No person has settled it: by a decision, or by an answer. Of the order mismatches.',
    orderMismatchAnswered:
      'A person has answered that the order is wrong, or that it does not matter. Of the order mismatches.',
    undecided:
      'Neither the network nor a person has named the picture. Of all radiographs whose record this version can read.',
  };
};

/** What readers must know before they use the figures. */
export const warnings: readonly string[] = [
  'People look at what a network was unsure of. So the figures by a person are those of the pictures that people looked at, not of all radiographs.',
  'A network is wrong at times. The figures by the network contain its own errors: look at the examples.',
  'A picture is in the figures of a person or in those of the network, never in both. Do not add the two.',
  'The intervals take radiographs as independent of each other. Those of one study are not.',
];

export const dimensionTitles: Readonly<Record<Dimension, string>> = {
  station: 'station',
  device: 'device',
  department: 'department',
  month: 'month',
  category: 'category',
};

/** `one in 7`, for shares from which it can be said. */
export const oneIn = ({ count, of }: QualityFigure): string | undefined =>
  count === 0 || count * 2 > of ? undefined : `one in ${Math.round(of / count)}`;
