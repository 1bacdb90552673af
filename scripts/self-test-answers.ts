import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { answerOf } from '../src/classify/engines/self-test.js';
import { buildChain } from '../src/classify/graph/chain.js';
import { readGraphDef } from '../src/classify/graph/graphdef.js';
import { defaultLayers } from '../src/classify/graph/layers.js';
import { walk } from '../src/classify/graph/walk.js';
import { shipped } from '../src/files/places.js';

/** The networks that come with Plainview, and the rows and columns of their pictures. */
const networks = { 'plainview.pb': 224, 'side.pb': 384, 'mirrored.pb': 112 };

/** The content of `model/self-test.json`. The digits after the twelfth can differ between versions of Node.js. */
export function selfTestAnswers(): string {
  const answers = Object.entries(networks).map(([name, side]) => {
    const file = readFileSync(shipped('model', name));
    const steps = walk(readGraphDef(file), defaultLayers);
    const { scores, ...size } = answerOf(steps, buildChain(steps, { height: side, width: side }));
    const rounded = Array.from(scores, (score) => Number(score.toPrecision(12)));
    return [createHash('sha256').update(file).digest('hex'), { ...size, scores: rounded }];
  });
  return `${JSON.stringify(Object.fromEntries(answers), undefined, 2)}\n`;
}
