import type { Network } from '../classify/network.js';
import type { Proportion } from './statistics.js';

/** In percent, with the one decimal that the literature gives. */
export const percent = (share: number | null): string => (share === null ? '–' : (share * 100).toFixed(1));

/** `89.2–91.3`; a dash where there is nothing to count. */
export const interval = ({ share, low, high }: Proportion): string =>
  share === null ? '–' : `${percent(low)}–${percent(high)}`;

export const counted = ({ count, of }: Proportion): string => `${count} of ${of}`;

export const thresholdsText = ({ threshold, margin, unknownBelow }: Network['thresholds']): string =>
  `threshold ${threshold}, margin ${margin}, unknown below ${unknownBelow}`;
