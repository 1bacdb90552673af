import { join } from 'node:path';
import type { Logger } from 'pino';
import { shipped } from '../files/places.js';
import { lockFolder } from '../store/folder-lock.js';
import { makeSandboxFolder } from './places.js';

export interface TrialFolders {
  orthanc: string;
  state: string;
}

/**
 * Takes the folders of `npm start` for this process. The demo leaves the samples there, so that `npm start` shows them. A
 * second Orthanc on one database would fail, with the words of the database.
 * @throws state_in_use where another process has them
 */
export async function takeTrialFolders(log: Logger): Promise<TrialFolders> {
  const data = shipped('.sandbox');
  const storage = join(data, 'storage');
  makeSandboxFolder(storage);
  await lockFolder(storage, log);
  return { orthanc: storage, state: join(data, 'state') };
}
