import type { Entry } from '../api/schema.js';
import { dicomTime, scoreText } from '../base/format.js';
import { instanceHref } from '../state/route.js';
import { texts } from '../texts/index.js';
import { isOrderMismatch, StateChip } from '../ui/state-chip.js';
import { Thumbnail } from '../ui/thumbnail.js';
import { titleOf } from '../ui/title.js';

/** One picture of the list: its name, the best score, and what DICOM says. */
export function Tile({ entry }: { entry: Entry }) {
  const { dicom, top } = entry;
  const best = top[0];
  const described = [dicom.bodyPartExamined, dicom.viewPosition].filter(Boolean).join(' ');
  return (
    <li>
      <a class={entry.who === 'person' ? 'tile by-person' : 'tile'} href={instanceHref(entry.instance)}>
        <Thumbnail instance={entry.instance} />
        <span class="tile-text">
          <span class="tile-name">{titleOf(entry)}</span>
          {best !== undefined && entry.who === 'network' && (
            <span class="tile-score">
              <span class="tile-bar" aria-hidden="true">
                <span style={{ width: `${100 * best.score}%` }} />
              </span>
              {scoreText(best.score)}
            </span>
          )}
          <span class="tile-chips">
            <StateChip entry={entry} />
            {isOrderMismatch(entry) && <span class="chip mismatch">{texts.chipOrderMismatch}</span>}
            {entry.proposed?.map((category) => (
              <span key={category} class="chip person">
                {texts.chipProposed(category)}
              </span>
            ))}
          </span>
          <span class="tile-dicom">
            {dicom.seriesDescription ?? dicom.studyDescription ?? texts.tileNoDescription}
          </span>
          <span class="tile-dicom quiet">
            {[described, dicom.stationName].filter((part) => part !== undefined && part !== '').join(' · ') ||
              '–'}
          </span>
          <span class="tile-dicom quiet">
            {[dicom.modality, dicomTime(dicom.studyDate, dicom.studyTime)].filter(Boolean).join(' · ')}
          </span>
        </span>
      </a>
    </li>
  );
}
