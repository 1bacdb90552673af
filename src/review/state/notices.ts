import { signal } from '@preact/signals';
import { isAbort, wordsOf } from '../api/client.js';

export interface Notice {
  /** `done` goes by itself; `trouble` stays until it is put away. */
  kind: 'done' | 'trouble';
  words: string;
}

export const notice = signal<Notice | undefined>(undefined);

let timer: ReturnType<typeof setTimeout> | undefined;

function show(shown: Notice): void {
  clearTimeout(timer);
  notice.value = shown;
  if (shown.kind === 'done') timer = setTimeout(dismiss, 8000);
}

export const tell = (words: string): void => show({ kind: 'done', words });
export const warn = (words: string): void => show({ kind: 'trouble', words });

export function dismiss(): void {
  clearTimeout(timer);
  notice.value = undefined;
}

/** For work that a click or a key begins and nobody awaits: what goes wrong is said. */
export function attempt(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    if (!isAbort(error)) warn(wordsOf(error));
  });
}
