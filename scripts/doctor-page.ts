import { findings, type Severity } from '../src/doctor/findings.js';
import { weaknesses } from '../src/doctor/weaknesses.js';
import { sentence } from './sentence.js';

/** `docs/doctor.md`: what `plainview doctor` can find. */
export function doctorPage(): string {
  const all = Object.entries(findings);
  const list = (severity: Severity) =>
    all
      .filter(([, entry]) => entry.severity === severity)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, entry]) => `- \`${code}\`: ${sentence(entry)}`)
      .join('\n');
  const weak = weaknesses.map(
    ({ title, mendedIn, what, source }) => `| ${title} before ${mendedIn} | ${what} | <${source}> |`,
  );
  return [
    introduction,
    `## Errors\n\nPlainview does not work, or loses something. Besides these, each [error](errors.md) that the doctor meets.\n\n${list('error')}\n`,
    `## Warnings\n\nIt works, and somebody should act.\n\n${list('warning')}\n`,
    `## Notes\n\nWhat cannot be told from here, or is good to know. They do not change the exit status.\n\n${list('note')}\n`,
    `## Known weaknesses\n\nThe doctor compares versions with this list. It is no list of all that is known: read the release notes of what you run.\n\n| program | weakness | source |\n| --- | --- | --- |\n${weak.join('\n')}\n`,
  ].join('\n');
}

const introduction = `<!-- Written by \`npm run docs\` from src/doctor/. Change the entries there. -->
# The doctor

\`plainview doctor\` examines an installation and changes nothing. Run it on the machine of the service,
[with its environment and as its user](install.md#commands), after each installation and upgrade.

It looks at the configuration and the files that it names, the version of Node.js, who can read the secrets, the network,
state folder or database, room on the disk, each Orthanc (what Plainview needs of it, known weaknesses of its version and
plugins, its clock, its HTTP threads), labels of others that have names of Plainview's, values of Modality that
\`PLAINVIEW_MODALITIES\` leaves out, the service, and whether Orthanc's hook reaches it.

| exit status | |
| --- | --- |
| 0 | no error and no warning |
| 1 | warnings, no error |
| 2 | errors, or a wrong command line |

\`--json\` prints \`{"version", "status": "ok"|"warnings"|"errors", "findings": [{"code", "severity", "message"}]}\`. Codes never
change. No finding contains patient data.

What it cannot tell, because Orthanc does not say it: the room on Orthanc's disk, how the plugin GDCM is restricted,
\`HttpThreadsCount\` before Orthanc 1.13.0, and whether the hook is loaded at all. It stores no picture to try the hook: it
compares what the hook has reported since the service started with what Orthanc received since. Of several services each knows
only its own notices, so there only refused ones are told.
`;
