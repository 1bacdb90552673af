import { MemoryQueue } from '../queue/memory.js';
import { FolderStore } from '../store/folder-store.js';
import { LocalLocks } from '../store/local-locks.js';
import type { State } from './service-interface.js';

/** The default: one process, which keeps its state in a folder. */
export const inFolder = (stateDir: string): State => ({
  store: new FolderStore(stateDir),
  place: stateDir,
  locks: new LocalLocks(),
  createQueue: ({ admission, handler }) => new MemoryQueue(admission, handler),
});
