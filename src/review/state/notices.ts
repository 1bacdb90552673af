import { signal } from '@preact/signals';
import { isAbort, messageOf } from '../api/client.js';

export interface Notice {
  /** `done` disappears by itself; `problem` stays until the reader dismisses it. */
  kind: 'done' | 'problem';
  message: string;
}

export const notice = signal<Notice | undefined>(undefined);

const shownForMs = 8000;
let timer: ReturnType<typeof setTimeout> | undefined;

export function notifyDone(message: string): void {
  clearTimeout(timer);
  notice.value = { kind: 'done', message };
  timer = setTimeout(dismiss, shownForMs);
}

export function notifyProblem(message: string): void {
  clearTimeout(timer);
  notice.value = { kind: 'problem', message };
}

export function dismiss(): void {
  clearTimeout(timer);
  notice.value = undefined;
}

/** For work that a click or a key starts and nothing awaits: an error becomes a notice. */
export function notifyOnError(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    if (!isAbort(error)) notifyProblem(messageOf(error));
  });
}
