import { status } from '../api/live.js';
import type { Entry } from '../api/schema.js';
import { dicomTime, localTime } from '../base/format.js';
import { instanceHref } from '../state/route.js';
import { me } from '../state/session.js';
import { texts } from '../texts/index.js';
import { Findings } from '../ui/findings.js';
import { SaidText } from '../ui/said-text.js';

/** What DICOM says, whether the decision fits the order, and who or what decided. */
export function Facts({ entry }: { entry: Entry }) {
  const { dicom } = entry;
  return (
    <>
      <section aria-labelledby="dicom">
        <h2 id="dicom">{texts.factsDicom}</h2>
        <Pairs
          pairs={[
            [texts.factsBodyPart, dicom.bodyPartExamined],
            [texts.factsView, dicom.viewPosition],
            [texts.factsSide, dicom.laterality],
            [texts.factsStudy, dicom.studyDescription],
            [texts.factsSeries, dicom.seriesDescription],
            [texts.factsProtocol, dicom.protocolName],
            [texts.factsModality, dicom.modality],
            [texts.factsStation, dicom.stationName],
            [texts.factsTaken, dicomTime(dicom.studyDate, dicom.studyTime)],
          ]}
        />
        <Order entry={entry} />
        {entry.instead !== undefined && (
          <p class="order">
            <a href={instanceHref(entry.instead)}>{texts.factsInstead}</a>
          </p>
        )}
      </section>
      <section aria-labelledby="decided">
        <h2 id="decided">{texts.factsDecided}</h2>
        <Reason entry={entry} />
        <Pairs
          pairs={[
            [
              texts.factsBy,
              entry.who === 'person' ? (entry.person?.who ?? texts.factsByPerson) : texts.factsByNetwork,
            ],
            [texts.factsWhen, localTime(entry.when)],
            [texts.factsRequestedBy, entry.requested?.who],
            [texts.factsBefore, entry.before && previousDecision(entry.before)],
            [texts.factsMarker, markerText(entry)],
            [texts.factsNetwork, nameOf(entry.network)],
            [texts.factsDeciding, decidingNetwork(entry)],
            [texts.factsEngine, entry.engine],
            [texts.factsShadow, shadowText(entry)],
          ]}
        />
        {status.value?.network.purpose === 'research' && (
          <p class="notice-research">{texts.factsResearchOnly}</p>
        )}
      </section>
      <ViewerLinks entry={entry} />
      <OrthancLinks entry={entry} />
    </>
  );
}

const Reason = ({ entry }: { entry: Entry }) => (
  <p>
    <SaidText
      said={
        entry.failure === undefined
          ? texts.decisionReason(entry)
          : texts.failureReason(entry.failure.message, entry.failure)
      }
    />
  </p>
);

const nameOf = ({ name, sha256 }: Entry['network']): string => `${name} ${sha256.slice(0, 8)}`;

/** Of a cascade: the last network that looked. */
function decidingNetwork({ before, cascade = before?.cascade }: Entry): string | undefined {
  const last = cascade?.at(-1);
  return last && nameOf(last.network);
}

const markerText = ({ side }: Entry): string | undefined =>
  side === undefined || side === 'none' ? undefined : texts.factsMarkers[side.marked];

/** The answer of the second network, where it belongs to the network's decision. */
function shadowText({ before, shadow: own, when }: Entry): string | undefined {
  const shadow = before?.shadow ?? own;
  if (shadow === undefined || shadow.of !== (before?.when ?? when)) return undefined;
  return texts.factsShadowSays(previousDecision(shadow), shadow.network.name);
}

const previousDecision = ({ decision, category }: Pick<Entry, 'decision' | 'category'>): string =>
  category === undefined ? texts.decisionNames[decision] : texts.categoryName(category);

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
  // What differs is above, to be answered.
  if (order === undefined || order.answer === 'differs') return null;
  const findings = [order.bodyPart, order.projection, order.side];
  const shown = findings.filter(({ answer }) => answer === order.answer);
  return (
    <p class="order">
      <strong>{texts.orderAnswers[order.answer]}</strong> <Findings findings={shown} />
    </p>
  );
}

/** The viewers of the site. What identifies the picture is put into their addresses. */
function ViewerLinks({ entry }: { entry: Entry }) {
  const viewers = status.value?.viewers ?? [];
  if (viewers.length === 0) return null;
  const places: { readonly [name: string]: string } = {
    StudyInstanceUID: entry.studyInstanceUid,
    SeriesInstanceUID: entry.seriesInstanceUid,
    SOPInstanceUID: entry.sopInstanceUid,
    study: entry.study,
    series: entry.series,
    instance: entry.instance,
  };
  return (
    <nav class="orthanc-links" aria-label={texts.viewersOpen}>
      <span class="quiet">{texts.viewersOpen}</span>
      {viewers.map(({ name, url }) => (
        <a
          key={name}
          href={url.replace(/[{](\w+)[}]/g, (_, place: string) => encodeURIComponent(places[place] ?? ''))}
          target="_blank"
          rel="noreferrer"
        >
          {name}
        </a>
      ))}
    </nav>
  );
}

/** Behind Orthanc's plugin, Orthanc's pages are two folders up; else the service knows their address. */
function OrthancLinks({ entry }: { entry: Entry }) {
  const pages = me.value?.how === 'orthanc' ? '../../' : status.value?.orthancPages;
  if (pages === undefined) return null;
  const explorer = `${pages.replace(/\/?$/, '/')}app/explorer.html`;
  return (
    <nav class="orthanc-links" aria-label={texts.orthancPages}>
      <span class="quiet">{texts.orthancIn}</span>
      {(['study', 'series', 'instance'] as const).map((level) => (
        <a key={level} href={`${explorer}#${level}?uuid=${entry[level]}`} target="_blank" rel="noreferrer">
          {texts.orthancLevels[level]}
        </a>
      ))}
      <a href={`#/study/${entry.study}`}>{texts.orthancStudyPictures}</a>
    </nav>
  );
}
