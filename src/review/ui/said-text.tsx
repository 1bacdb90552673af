import type { Said } from '../texts/reasons.js';

/** What the service says. Screen readers are told where that is not in the reader's language. */
export const SaidText = ({ said: { text, lang } }: { said: Said }) => <span lang={lang}>{text}</span>;
