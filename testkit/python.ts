import { existsSync } from 'node:fs';
import { shipped } from '../src/files/places.js';

/** `.ci/run` installs highdicom and pydicom into `.venv`. Elsewhere the Python of the machine may have them. */
export function python(): string {
  const own = shipped('.venv', 'bin', 'python');
  return existsSync(own) ? own : 'python3';
}
