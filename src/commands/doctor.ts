import { Command } from 'commander';
import { requireFiles } from '../app/required-files.js';
import { version } from '../config/version.js';
import { examine } from '../doctor/examine.js';
import type { Finding, Severity } from '../doctor/findings.js';
import { userName } from './user-name.js';

/** As check programs of monitoring systems have it: 0 good, 1 warnings, 2 errors. */
const exitOf = { ok: 0, warnings: 1, errors: 2 } as const;
const order: readonly Severity[] = ['error', 'warning', 'note'];

export const doctorCommand = () =>
  new Command('doctor')
    .description(
      'examine this installation, and change nothing; exit status 0: good, 1: warnings, 2: errors (docs/doctor.md)',
    )
    .option('--json', 'print the findings as JSON')
    .action(async ({ json = false }: { json?: boolean }) => {
      const findings = (await examine({ env: process.env, requireFiles, who: userName() })).toSorted(
        (a, b) => order.indexOf(a.severity) - order.indexOf(b.severity),
      );
      const status = statusOf(findings);
      console.log(json ? JSON.stringify({ version, status, findings }, null, 2) : textOf(findings));
      process.exitCode = exitOf[status];
    });

function statusOf(findings: readonly Finding[]): keyof typeof exitOf {
  const has = (severity: Severity) => findings.some((each) => each.severity === severity);
  return has('error') ? 'errors' : has('warning') ? 'warnings' : 'ok';
}

function textOf(findings: readonly Finding[]): string {
  const lines = findings.map(
    ({ severity, code, message }) => `${severity.padEnd(7)}  ${code}\n         ${message}`,
  );
  const count = (severity: Severity) => findings.filter((each) => each.severity === severity).length;
  return [...lines, `errors: ${count('error')}, warnings: ${count('warning')}, notes: ${count('note')}`].join(
    '\n',
  );
}
