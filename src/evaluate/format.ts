import type { Network } from '../classify/network.js';
import type { Difference, Proportion } from './statistics.js';

/** Percent with one decimal, as in the literature. */
export const percent = (share: number | null): string => (share === null ? '–' : (share * 100).toFixed(1));

/** `89.2–91.3` in percent; a dash without pictures. */
export const interval = ({ share, low, high }: Proportion): string =>
  share === null ? '–' : `${percent(low)}–${percent(high)}`;

export const counted = ({ count, of }: Proportion): string => `${count} of ${of}`;

/** `+1.2 (−0.3 to +2.7)`, in percentage points. */
export const differenceText = (difference: Difference | null): string => {
  if (difference === null) return '–';
  const points = (share: number) => `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;
  return `${points(difference.share)} (${points(difference.low)} to ${points(difference.high)})`;
};

export const pText = (p: number): string => (p < 0.0001 ? '< 0.0001' : p.toFixed(4));

/** Names of the networks. Where several have one name, the hash distinguishes them. */
export const namesOf = (networks: readonly Pick<Network, 'name' | 'sha256'>[]): string[] => {
  const isAlone = ({ name }: Pick<Network, 'name'>) =>
    networks.filter((one) => one.name === name).length === 1;
  return networks.map((one) => (isAlone(one) ? one.name : `${one.name} (${one.sha256.slice(0, 8)})`));
};

export const thresholdsText = ({ threshold, margin, unknownBelow }: Network['thresholds']): string =>
  `threshold ${threshold}, margin ${margin}, unknown below ${unknownBelow}`;
