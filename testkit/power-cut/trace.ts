/** One system call of a recorded process that succeeded. `began` and `ended` count the lines of the recording. */
export interface SystemCall {
  name: string;
  /** As strace writes them, without escapes: paths and texts in quotes, descriptors with their path. */
  paths: string[];
  /** The text that is written. */
  text: Buffer;
  args: string;
  result: number;
  began: number;
  ended: number;
}

const calls = [
  ...[
    'open',
    'openat',
    'creat',
    'write',
    'pwrite64',
    'writev',
    'pwritev',
    'ftruncate',
    'truncate',
    'fallocate',
  ],
  ...[
    'fsync',
    'fdatasync',
    'rename',
    'renameat',
    'renameat2',
    'unlink',
    'unlinkat',
    'mkdir',
    'mkdirat',
    'rmdir',
  ],
  ...['link', 'linkat', 'symlink', 'symlinkat', 'copy_file_range', 'sendfile', 'ftruncate64'],
];

/** Runs a command so that what it does to files is recorded. The command is the process itself: signals reach it. */
export const recorder = (file: string): string[] => [
  ...[
    'strace',
    '-D',
    '-A',
    '-f',
    '-q',
    '-y',
    '-xx',
    '-s',
    '200000',
    '-o',
    file,
    '-e',
    `trace=?${calls.join(',?')}`,
  ],
  ...['-e', 'signal=none'],
];

/** Reads the calls of a recording that name something below a folder. A call that has not ended is left out. */
export function* readTrace(text: string, root: string): Generator<SystemCall> {
  const open = new Map<string, { begin: string; began: number }>();
  const escaped = [...Buffer.from(root)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  for (const [ended, line] of text.split('\n').entries()) {
    // Most lines are about sockets.
    if (!line.includes(escaped) && !line.includes(' resumed>')) continue;
    const [, process = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const unfinished = /^(.*) <unfinished \.\.\.>$/.exec(rest)?.[1];
    if (unfinished !== undefined) {
      open.set(process, { begin: unfinished, began: ended });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
    const { begin = '', began = ended } = (resumed !== undefined && open.get(process)) || {};
    open.delete(process);
    const [, name, args, result] = /^(\w+)\((.*)\) += (-?\d+)/.exec(begin + (resumed ?? rest)) ?? [];
    if (name === undefined || args === undefined || Number(result) < 0) continue;
    // A descriptor is `3</path>`, a text is `"…"`; with -xx both are in hexadecimal, so neither holds a delimiter.
    const quoted = [...args.matchAll(/"((?:\\x[0-9a-f]{2})*)"/g)].map(([, hex = '']) => unescaped(hex));
    const descriptors = [...args.matchAll(/\d<([^>]*)>/g)].map(([, path = '']) => unescaped(path).toString());
    const isWrite = /^(write|pwrite)/.test(name);
    yield {
      name,
      paths: isWrite || quoted.length === 0 ? descriptors : quoted.map(String),
      text: isWrite ? Buffer.concat(quoted) : Buffer.alloc(0),
      args,
      result: Number(result),
      began,
      ended,
    };
  }
}

const unescaped = (text: string): Buffer =>
  text.startsWith('\\x') ? Buffer.from(text.replaceAll('\\x', ''), 'hex') : Buffer.from(text);
