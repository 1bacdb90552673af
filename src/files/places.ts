import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Plainview's own folder: `src/files` and `dist/files` lie equally deep in it. */
export const packageRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** A file or folder that comes with Plainview, by its path from the package's root: `shipped('model', 'classes.txt')`. */
export const shipped = (...path: string[]): string => join(packageRoot, ...path);
