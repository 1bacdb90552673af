import { signal } from '@preact/signals';
import type { Entry } from '../api/schema.js';
import { fitted, type GreyWindow, type Placement, wholeWindow } from './viewport.js';

/** How the picture is shown; reset for each picture. */
export const placement = signal<Placement>(fitted);
export const greyWindow = signal<GreyWindow>(wholeWindow);
export const inverted = signal(false);
/** Clockwise degrees that a person has chosen; undefined: those that bring the picture upright, as the network sees it. */
export const chosenTurn = signal<number | undefined>(undefined);
/** Whether the picture is shown as in a mirror, which only a person decides: a heart on the right looks the same. */
export const shownMirrored = signal(false);
/** What a plain drag does. */
export const tool = signal<'window' | 'pan'>('window');

export function resetView(): void {
  placement.value = fitted;
  greyWindow.value = wholeWindow;
  inverted.value = false;
  chosenTurn.value = undefined;
  shownMirrored.value = false;
}

/** Whether the class-activation map is drawn over the picture, how strongly (0…1), and for which category. */
export const mapIsOn = signal(false);
export const mapStrength = signal(0.6);
export const mapCategory = signal<string | undefined>(undefined);

/** Clockwise degrees that bring the picture upright, as the network or a person says; 0 where nobody does. */
export const toldTurn = (entry: Pick<Entry, 'orientation'>): number => toldOf(entry)?.turned ?? 0;

export const isToldMirrored = (entry: Pick<Entry, 'orientation'>): boolean =>
  toldOf(entry)?.mirrored === true;

/** Who has said which way up the picture is; undefined: no person. */
export const whoTold = (entry: Pick<Entry, 'orientation'>): string | undefined => toldOf(entry)?.person?.who;

const toldOf = ({ orientation }: Pick<Entry, 'orientation'>) =>
  orientation === 'cannot_tell' ? undefined : orientation;

/** Whether the picture is shown in another way than is told of it. */
export const isShownOtherwise = (entry: Entry): boolean =>
  shownTurn(entry) !== toldTurn(entry) || shownMirrored.value !== isToldMirrored(entry);

/** Clockwise degrees by which the picture is shown. */
export const shownTurn = (entry: Entry): number => chosenTurn.value ?? toldTurn(entry);

export function turnFurther(entry: Entry): void {
  // The picture is turned first, then mirrored: a turn to the right in the mirror is one to the left of the picture.
  chosenTurn.value = (shownTurn(entry) + (shownMirrored.value ? 270 : 90)) % 360;
  placement.value = fitted;
}

export function showAsStored(): void {
  chosenTurn.value = 0;
  shownMirrored.value = false;
  placement.value = fitted;
}
