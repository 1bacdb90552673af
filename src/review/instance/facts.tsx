import { status } from '../api/live.js';
import type { Entry } from '../api/schema.js';
import { me } from '../state/session.js';
import { dicomTime, localTime, spoken } from '../ui/format.js';

/** What else is known: DICOM's own words, how they fit, and who decided with what. */
export function Facts({ entry }: { entry: Entry }) {
  const { dicom } = entry;
  return (
    <>
      <section aria-labelledby="dicom">
        <h2 id="dicom">What DICOM says</h2>
        <Pairs
          pairs={[
            ['Body part', dicom.bodyPartExamined],
            ['View', dicom.viewPosition],
            ['Side', dicom.laterality],
            ['Study', dicom.studyDescription],
            ['Series', dicom.seriesDescription],
            ['Protocol', dicom.protocolName],
            ['Modality', dicom.modality],
            ['Station', dicom.stationName],
            ['Taken', dicomTime(dicom.studyDate, dicom.studyTime)],
          ]}
        />
        <Order entry={entry} />
      </section>
      <section aria-labelledby="decided">
        <h2 id="decided">How it was decided</h2>
        <p>{entry.failure?.message ?? entry.reason}</p>
        <Pairs
          pairs={[
            ['By', entry.who === 'person' ? `${entry.person?.who ?? 'a person'}` : 'the network'],
            ['When', localTime(entry.when)],
            ['Asked by', entry.requested?.who],
            ['Before', entry.before && beforeWords(entry.before)],
            ['Network', `${entry.network.name} ${entry.network.sha256.slice(0, 8)}`],
            ['Engine', entry.engine],
          ]}
        />
        {status.value?.network.purpose === 'research' && (
          <p class="notice-research">
            This network is for research and evaluation only. Not a medical device.
          </p>
        )}
      </section>
      <OrthancLinks entry={entry} />
    </>
  );
}

const beforeWords = ({ decision, category }: NonNullable<Entry['before']>): string =>
  category === undefined ? decision.replaceAll('_', ' ') : spoken(category);

function Pairs({ pairs }: { pairs: readonly (readonly [string, string | undefined])[] }) {
  return (
    <dl class="pairs">
      {pairs.map(([name, value]) =>
        value === undefined || value === '' ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function Order({ entry: { order } }: { entry: Entry }) {
  if (order === undefined) return null;
  const differs = order.answer === 'differs';
  const findings = [order.bodyPart, order.projection, order.side];
  const told = findings.filter(({ answer }) => answer === order.answer || answer === 'differs');
  return (
    <p class={differs ? 'order differs' : 'order'}>
      <strong>{orderWords[order.answer]}</strong> {told.map(({ reason }) => reason).join(' ')}
    </p>
  );
}

const orderWords = {
  agrees: 'Fits the order:',
  differs: '≠ Differs from the order:',
  cannot_tell: 'Order check cannot tell:',
};

/** Behind Orthanc's plugin its pages are two folders up; else the service knows where they are. */
function OrthancLinks({ entry }: { entry: Entry }) {
  const pages = me.value?.how === 'orthanc' ? '../../' : status.value?.orthancPages;
  if (pages === undefined) return null;
  const explorer = `${pages.replace(/\/?$/, '/')}app/explorer.html`;
  return (
    <nav class="orthanc-links" aria-label="Orthanc’s pages">
      <span class="quiet">In Orthanc:</span>
      {(['study', 'series', 'instance'] as const).map((level) => (
        <a key={level} href={`${explorer}#${level}?uuid=${entry[level]}`} target="_blank" rel="noreferrer">
          {level}
        </a>
      ))}
      <a href={`#/study/${entry.study}`}>pictures of this study</a>
    </nav>
  );
}
