import type { Network } from '../src/classify/network.js';
import type { StartingNetwork } from '../src/classify/starting-network.js';
import type { Sample } from '../src/learn/sample.js';
import { seeded } from './random.js';

const inputs = 12;
const classes = ['knee_ap', 'hand_ap', 'chest_pa_ap', 'other'];

/** A network whose features are the axes: the first four are the classes', the others are of looks that it does not know. */
export function axesNetwork(
  names: readonly string[] = classes,
): Pick<StartingNetwork, 'network' | 'lastLayer'> {
  const network: Network = {
    name: 'axes',
    sha256: 'a'.repeat(64),
    purpose: 'research',
    classes: names,
    thresholds: { threshold: 0.8, margin: 0, unknownBelow: 0.4 },
  };
  const outputs = names.length;
  const weights = new Float32Array(inputs * outputs);
  for (let c = 0; c < outputs; c++) weights[c * outputs + c] = 6;
  return {
    network,
    lastLayer: { inputs, outputs, weights, bias: new Float32Array(outputs), activation: 'linear' },
  };
}

interface Films {
  readonly label: string;
  readonly count: number;
  /** Values of the axes; the others are 0. */
  readonly axes: Readonly<Record<number, number>>;
  readonly patients?: number;
  readonly from?: Sample['from'];
  readonly noise?: number;
}

/** Pictures that look alike but for seeded noise. */
export function films(seed: number, kinds: readonly Films[]): Sample[] {
  const random = seeded(seed);
  return kinds.flatMap(({ label, count, axes, patients = count, from = 'person', noise = 0.1 }, kind) =>
    Array.from({ length: count }, (_, i) => ({
      picture: { id: `${seed}-${kind}-${i}`, label, patient: `${seed}-${kind}-${i % patients}` },
      from,
      features: Float32Array.from(
        { length: inputs },
        (_, axis) => (axes[axis] ?? 0) + noise * (random() * 2 - 1),
      ),
    })),
  );
}
