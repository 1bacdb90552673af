import { codedCategories } from '../anatomy/categories.js';
import { metadataNames, type ReclassifyRequest } from '../decisions/schema.js';
import { stateLabels } from '../decisions/state-labels.js';

/** A button as Orthanc Explorer 2 reads it; it fills in what stands in braces. */
interface CustomButton {
  HttpMethod: 'GET' | 'POST' | 'PUT';
  Id: string;
  Tooltip: string;
  Icon: string;
  /** From `/ui/app/`. */
  Url: string;
  Payload?: Record<string, unknown>;
  Target?: string;
  StartMessage?: string;
  Refresh?: boolean;
}

const levels = { study: 'studies', series: 'series', instance: 'instances' } as const;
type Level = keyof typeof levels;

/** What a button can say of who asks: the payload is the same for everybody. Orthanc alone knows the user. */
const asked: Partial<ReclassifyRequest> = { who: 'orthanc-explorer-2' };

const ask = { Icon: 'bi bi-arrow-repeat', StartMessage: 'Plainview is asked to look again.' };

/** Writes the request as metadata, which Orthanc keeps while the service is down. */
const askOrthanc = (level: Level): CustomButton => ({
  HttpMethod: 'PUT',
  Id: `plainview-reclassify-${level}`,
  Tooltip: `Reclassify the radiographs of this ${level}`,
  Url: `../../${levels[level]}/{UUID}/metadata/${metadataNames.request}`,
  Payload: asked,
  ...ask,
});

/** The same through the plugin, which adds who asks. */
const askPlugin = (level: Level | 'selection', resources: string): CustomButton => ({
  HttpMethod: 'POST',
  Id: `plainview-reclassify-${level}`,
  Tooltip: `Reclassify the radiographs of this ${level}`,
  Url: '../../plainview/reclassify',
  Payload: { resources },
  ...ask,
});

const review = (level: Level, fragment: string): CustomButton => ({
  HttpMethod: 'GET',
  Id: `plainview-review-${level}`,
  Tooltip: "Plainview's review page",
  Icon: 'bi bi-check2-square',
  Url: `../../plainview/review/#/${fragment}/{UUID}`,
  Target: '_blank',
});

/**
 * Orthanc Explorer 2's configuration: buttons, and the labels that its editor offers.
 * @param plugin whether Orthanc has Plainview's plugin; without it a selection of studies cannot be asked for,
 *   who asked is not known, and the review page is not under Orthanc's own address
 */
export function explorer2(options: { plugin: boolean; labelPrefix: string }) {
  const AvailableLabels = [...codedCategories, ...Object.values(stateLabels)].map(
    (label) => options.labelPrefix + label,
  );
  const CustomButtons = options.plugin
    ? {
        study: [askPlugin('study', '{UUID}'), review('study', 'study')],
        series: [askPlugin('series', '{UUID}')],
        instance: [askPlugin('instance', '{UUID}'), review('instance', 'instance')],
        'bulk-studies': [askPlugin('selection', '{JsonArrayUUIDs}')],
      }
    : { study: [askOrthanc('study')], series: [askOrthanc('series')], instance: [askOrthanc('instance')] };
  return { OrthancExplorer2: { UiOptions: { AvailableLabels, CustomButtons } } };
}

/** The files in `orthanc/`, as `npm run docs` writes them. */
export const explorer2Files = { 'explorer2.json': true, 'explorer2-without-plugin.json': false } as const;

export const explorer2Text = (plugin: boolean, labelPrefix = ''): string =>
  `${JSON.stringify(explorer2({ plugin, labelPrefix }), null, 2)}\n`;
