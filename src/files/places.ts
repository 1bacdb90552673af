import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Plainview's own folder. `src/files` and `dist/files` are at the same depth in it. */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Absolute path of a file or folder of the package: `shipped('model', 'classes.txt')`. */
export const shipped = (...path: string[]): string => join(packageRoot, ...path);
