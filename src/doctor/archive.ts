import type { Config } from '../config/options.js';
import { stateLabels } from '../decisions/state-labels.js';
import { groupId, label } from '../orthanc/ids.js';
import type { Orthanc } from '../orthanc/orthanc.js';
import { nonRadiographs, plainModalities } from '../orthanc/radiographs.js';
import { type Finding, finding } from './findings.js';

/** Studies that are looked at for each label of Plainview. */
const studiesSeen = 20;
/** Series whose Modality is read. */
const seriesSeen = 1000;

/** Labels of Plainview that somebody else has put on studies. @param names categories, without the prefix @throws orthanc_… */
export async function examineLabels(
  { inspection, search, hierarchy }: Orthanc,
  { labelPrefix }: Pick<Config, 'labelPrefix'>,
  names: readonly string[],
): Promise<Finding[]> {
  const own = new Set([...names, ...Object.values(stateLabels)].map((name) => labelPrefix + name));
  const found: Finding[] = [];
  for (const name of await inspection.labelsInUse()) {
    if (!own.has(name) || !label.safeParse(name).success) continue;
    const studies = await search.studiesLabelled(name, {}, { since: 0, limit: studiesSeen });
    const read = await hierarchy.metadata(
      'Study',
      studies.map((id) => groupId.parse(id)),
    );
    const foreign = [...read.values()].filter(({ Radiograph }) => Radiograph === undefined).length;
    if (foreign > 0) found.push(finding('labels_collide', { label: name, foreign, seen: studies.length }));
  }
  return found;
}

/** Values of Modality in the archive that may be those of radiographs, and are left out. @throws orthanc_… */
export async function examineModalities(
  { inspection }: Orthanc,
  { modalities }: Pick<Config, 'modalities'>,
): Promise<Finding[]> {
  const series = await inspection.modalities(seriesSeen);
  const counts = new Map<string, number>();
  for (const value of series) {
    const codes = value.split('\\').flatMap((code) => code.trim().toUpperCase() || []);
    // Without a value, the SOP class decides.
    const [code] = codes;
    if (code === undefined || codes.some((each) => modalities.includes(each))) continue;
    if (!nonRadiographs.includes(code)) counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return [...counts].map(([modality, count]) =>
    finding(isOtherProjection(modality) ? 'modality_not_plain' : 'modality_left_out', {
      modality: modality.slice(0, 16),
      series: count,
      of: series.length,
    }),
  );
}

/** Mammography, fluoroscopy, angiography, densitometry, and what has no kind: left out by default. */
const isOtherProjection = (code: string): boolean =>
  ['MG', 'RF', 'XA', 'BMD', 'OT', 'SC', 'XC'].includes(code) && !plainModalities.includes(code);
