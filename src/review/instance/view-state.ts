import { signal } from '@preact/signals';
import { fitted, type GreyWindow, type Placement, wholeWindow } from './viewport.js';

/** How the picture is shown; reset for each picture. */
export const placement = signal<Placement>(fitted);
export const greyWindow = signal<GreyWindow>(wholeWindow);
export const inverted = signal(false);
/** What a plain drag does. */
export const tool = signal<'window' | 'pan'>('window');

export function resetView(): void {
  placement.value = fitted;
  greyWindow.value = wholeWindow;
  inverted.value = false;
}

/** Whether the class-activation map is drawn over the picture, how strongly (0…1), and for which category. */
export const mapIsOn = signal(false);
export const mapStrength = signal(0.6);
export const mapCategory = signal<string | undefined>(undefined);
