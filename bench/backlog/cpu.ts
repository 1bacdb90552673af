import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts CPU time for programs in hundredths of a second (USER_HZ). */
const tickMs = 10;

/** CPU time that a process and all processes below it have used, user and system, milliseconds. Linux alone. */
export function cpuMs(pid: number): number {
  const byParent = new Map<number, number[]>();
  const used = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = statOf(name);
    if (stat === undefined) continue;
    byParent.set(stat.parent, [...(byParent.get(stat.parent) ?? []), Number(name)]);
    used.set(Number(name), stat.ms);
  }
  const below = (id: number): number =>
    (used.get(id) ?? 0) + (byParent.get(id) ?? []).reduce((sum, child) => sum + below(child), 0);
  return below(pid);
}

/** proc_pid_stat(5). The name of the program, in brackets, can hold anything. */
function statOf(pid: string): { parent: number; ms: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    // utime, stime, and those of children that have ended and were waited for.
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
    return { parent, ms: (user + system + endedUser + endedSystem) * tickMs };
  } catch {
    return undefined; // it ended
  }
}

/** Resident memory of a process and all processes below it, megabytes. */
export function residentMegabytes(pid: number): number {
  let total = 0;
  for (const id of [pid, ...descendants(pid)]) total += rssOf(id);
  return total;
}

function descendants(pid: number): number[] {
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && statOf(name)?.parent === pid);
  return children.flatMap((name) => [Number(name), ...descendants(Number(name))]);
}

function rssOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0; // it ended
  }
}
