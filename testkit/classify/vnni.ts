import { existsSync, readFileSync } from 'node:fs';

const processor = '/proc/cpuinfo';

/** An x86-64 processor on which int8 is refused. Known on Linux only. */
export const lacksVnni =
  process.arch === 'x64' && existsSync(processor) && !readFileSync(processor, 'utf8').includes('vnni');
if (lacksVnni) console.warn('int8 is not tested: this processor has no VNNI');
