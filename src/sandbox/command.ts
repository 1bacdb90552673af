import { spawn } from 'node:child_process';

export interface CommandResult {
  /** null if the command does not exist, or if a signal ended it. */
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end and returns its output. Does not throw: only the caller knows which status is a failure. */
export function runCommand(command: string, args: string[]): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => resolve({ status: null, stdout, stderr: error.message }));
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** The last lines of a command's output, which usually contain the reason of a failure. */
export const lastLines = (text: string, count = 3): string =>
  text.trim().split('\n').slice(-count).join(' | ');
