import { AsyncResource } from 'node:async_hooks';

/** Of the module, so of nobody who calls. */
const context = new AsyncResource('detached');

/**
 * Begins a task outside of the asynchronous context of the caller, who does not wait for it. Else the task would count as
 * a part of the caller's, with the locks that the caller holds.
 */
export const detached = <T>(task: () => T): T => context.runInAsyncScope(task);
