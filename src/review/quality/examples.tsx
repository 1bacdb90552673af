import type { Figure } from '../api/quality-schema.js';
import { instanceHref } from '../state/route.js';
import { texts } from '../texts/index.js';

/** Links to some of the radiographs that a figure counts. */
export function Examples({ figure, of }: { figure: Figure; of: string }) {
  return (
    <span class="examples">
      {figure.examples.map((instance, index) => (
        <a key={instance} href={instanceHref(instance)} aria-label={texts.qualityExample(index + 1, of)}>
          {index + 1}
        </a>
      ))}
    </span>
  );
}
