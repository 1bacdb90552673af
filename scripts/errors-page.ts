import { catalogue } from '../src/errors/catalogue.js';
import type { ErrorEntry } from '../src/errors/entry.js';
import { sentence } from './sentence.js';

/** `docs/errors.md`: every error of the catalogue, by its code. */
export function errorsPage(): string {
  const entries: [string, ErrorEntry][] = Object.entries(catalogue);
  return `${introduction}\n${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(section)
    .join('\n')}`;
}

const introduction = `<!-- Written by \`npm run docs\` from src/errors/. Change the entries there. -->
# Errors

Each error has a code that never changes. You find it in the log (\`code\`), in \`plainview_failures_total\`, in the
metadata \`Radiograph\` of an instance that could not be classified, and in the service's answers: these are
[problem+json](https://www.rfc-editor.org/rfc/rfc9457) with \`code\`, \`status\` and the sentence as \`title\`.

A command that fails prints the sentence alone: search this page for a part of it.

Below, the quoted text is the sentence, with the names of its values in braces. It says what is wrong and what to do.
Further explanations follow it.

- **HTTP** is the status of the service's answer. Answers with 429 and 503 have the header \`Retry-After\`. An error
  that no request can cause has 500.
- **Exit status** is that of a command: 1 where it failed, 2 where its command line, the configuration or a file that
  they name is wrong. \`plainview label\` ends with 2 whenever its network cannot be started.
- **Transient** errors may disappear by themselves. The service tries again what failed with one of them.

Orthanc's plugin answers some requests under \`/plainview/\` itself. It has these codes of its own, with sentences that
say what to do: \`answer_too_large\`, \`no_events_here\`, \`not_permitted\`, \`orthanc_busy\`, \`query_ambiguous\`,
\`resource_unknown\`, \`service_away\`, \`service_busy\`, \`service_refuses\`, \`service_slow\`, \`user_limited\`,
\`user_unnamable\`.
`;

function section([code, entry]: [string, ErrorEntry]): string {
  const { transient, status, exit, meaning, remedy } = entry;
  return [
    `## \`${code}\`\n`,
    `> ${sentence(entry)}\n`,
    ...(meaning === undefined ? [] : [`**Meaning:** ${meaning}\n`]),
    ...(remedy === undefined ? [] : [`**What to do:** ${remedy}\n`]),
    `HTTP ${status} · exit status ${exit} · ${transient ? 'transient' : 'not transient'}\n`,
  ].join('\n');
}
