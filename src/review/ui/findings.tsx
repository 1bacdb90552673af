import type { Entry } from '../api/schema.js';
import { texts } from '../texts/index.js';
import { SaidText } from './said-text.js';

type Finding = NonNullable<Entry['order']>['bodyPart'];

/** What the order check found, one after another. */
export const Findings = ({ findings }: { findings: readonly Finding[] }) =>
  findings.map((finding) => (
    <>
      <SaidText said={texts.orderReason(finding)} />{' '}
    </>
  ));
