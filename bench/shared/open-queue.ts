import type { Handler, Queue } from '../../src/queue/queue.js';

interface OpenedQueue {
  queue: Queue;
  /** Ends its connections. */
  close(): Promise<void>;
}

/**
 * Opens the queue that several processes share. It begins with running jobs at once.
 * @returns undefined as long as there is no such queue
 */
export async function openQueue(_options: {
  /** Address of a new, empty database. */
  url: string;
  concurrency: number;
  handler: Handler;
}): Promise<OpenedQueue | undefined> {
  return undefined;
}
