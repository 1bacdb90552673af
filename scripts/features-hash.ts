import { readFileSync } from 'node:fs';
import { buildChain } from '../src/classify/graph/chain.js';
import { readGraphDef } from '../src/classify/graph/graphdef.js';
import { featuresHash } from '../src/classify/graph/last-layer.js';
import { walk } from '../src/classify/graph/walk.js';

// Prints what `model/upright.json` names as the features that it belongs to: for model/training/upright.py.
const [graph = 'model/plainview.pb'] = process.argv.slice(2);
const steps = walk(readGraphDef(readFileSync(graph)), {
  inputLayer: 'input',
  outputLayer: 'final_result',
});
console.log(featuresHash(buildChain(steps, { height: 224, width: 224 })));
