import { existsSync } from 'node:fs';
import { shipped } from '../src/files/places.js';

/** `.ci/run` installs highdicom and pydicom into `.venv`. Elsewhere the Python of the machine, or the one that PYTHON names, may have them. */
export function python(): string {
  const own = shipped('.venv', 'bin', 'python');
  return process.env.PYTHON ?? (existsSync(own) ? own : 'python3');
}
