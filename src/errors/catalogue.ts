import { classifyErrors } from './classify.js';
import { hangingErrors } from './hanging.js';
import { httpErrors } from './http.js';
import { identityErrors } from './identity.js';
import { learnErrors } from './learn.js';
import { orthancErrors } from './orthanc.js';
import { routeErrors } from './route.js';
import { runningErrors } from './running.js';

/** Every error that Plainview can report. `docs/errors.md` is generated from it. */
export const catalogue = {
  ...orthancErrors,
  ...classifyErrors,
  ...hangingErrors,
  ...httpErrors,
  ...identityErrors,
  ...learnErrors,
  ...routeErrors,
  ...runningErrors,
};

/** Those that a job can end with. */
export const codesOfJobs: readonly string[] = Object.keys({ ...orthancErrors, ...classifyErrors });

export type Catalogue = typeof catalogue;
export type ErrorCode = keyof Catalogue;
