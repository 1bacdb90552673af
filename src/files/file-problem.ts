const sentences: Record<string, string> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read or written by this user',
  EPERM: 'may not be read or written by this user',
  EISDIR: 'is a folder, not a file',
  ENOTDIR: 'lies below a file, not below a folder',
};

/** What is wrong with a file that an option names, for a message: `/run/secret does not exist`. */
export function fileProblem(path: string, error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const sentence = sentences[code];
  return sentence === undefined ? message : `${path} ${sentence}`;
}
