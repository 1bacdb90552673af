import type { Categories } from '../anatomy/categories.js';
import { metadataNames, type ReclassifyRequest } from '../decisions/schema.js';
import { stateLabels } from '../decisions/state-labels.js';

/** A button in the form that Orthanc Explorer 2 reads. Orthanc Explorer 2 replaces the placeholders in braces. */
interface CustomButton {
  HttpMethod: 'GET' | 'POST' | 'PUT';
  Id: string;
  Tooltip: string;
  Icon: string;
  /** Relative to `/ui/app/`. */
  Url: string;
  Payload?: Record<string, unknown>;
  Target?: string;
  StartMessage?: string;
  Refresh?: boolean;
}

const levels = { study: 'studies', series: 'series', instance: 'instances' } as const;
type Level = keyof typeof levels;

/** The payload is the same for all users, because only Orthanc knows the user. So it names the program instead. */
const requestBody: Partial<ReclassifyRequest> = { who: 'orthanc-explorer-2' };

/** Orthanc Explorer 2 shows the message before there is an answer, and shows no refusal. So it must be true for both. */
const reclassifyAppearance = {
  Icon: 'bi bi-arrow-repeat',
  StartMessage:
    'Reclassification: the request is sent. If you are not allowed to reclassify, nothing changes.',
};

/** Writes the request as metadata. Orthanc keeps it while the service is down. */
const metadataButton = (level: Level): CustomButton => ({
  HttpMethod: 'PUT',
  Id: `plainview-reclassify-${level}`,
  Tooltip: `Reclassify the radiographs of this ${level}`,
  Url: `../../${levels[level]}/{UUID}/metadata/${metadataNames.request}`,
  Payload: requestBody,
  ...reclassifyAppearance,
});

/** Sends the request to the plugin, which adds the user's name. */
const pluginButton = (level: Level | 'selection', resources: string): CustomButton => ({
  HttpMethod: 'POST',
  Id: `plainview-reclassify-${level}`,
  Tooltip: `Reclassify the radiographs of this ${level}`,
  Url: '../../plainview/reclassify',
  Payload: { resources },
  ...reclassifyAppearance,
});

const reviewButton = (level: Level, fragment: string): CustomButton => ({
  HttpMethod: 'GET',
  Id: `plainview-review-${level}`,
  Tooltip: "Plainview's review page",
  Icon: 'bi bi-check2-square',
  Url: `../../plainview/review/#/${fragment}/{UUID}`,
  Target: '_blank',
});

/**
 * The configuration of Orthanc Explorer 2: buttons, and the labels that its editor offers.
 * @param plugin whether Orthanc has Plainview's plugin. Without the plugin there is no button for a selection of
 *   studies, the request does not name the user, and the review page is not under Orthanc's address.
 */
export function explorer2(options: { plugin: boolean; labelPrefix: string; categories: Categories }) {
  const AvailableLabels = [...options.categories.names, ...Object.values(stateLabels)].map(
    (label) => options.labelPrefix + label,
  );
  const CustomButtons = options.plugin
    ? {
        study: [pluginButton('study', '{UUID}'), reviewButton('study', 'study')],
        series: [pluginButton('series', '{UUID}')],
        instance: [pluginButton('instance', '{UUID}'), reviewButton('instance', 'instance')],
        'bulk-studies': [pluginButton('selection', '{JsonArrayUUIDs}')],
      }
    : {
        study: [metadataButton('study')],
        series: [metadataButton('series')],
        instance: [metadataButton('instance')],
      };
  return { OrthancExplorer2: { UiOptions: { AvailableLabels, CustomButtons } } };
}

/** The files in `orthanc/` that `npm run docs` writes, and whether each is for an Orthanc with the plugin. */
export const explorer2Files = { 'explorer2.json': true, 'explorer2-without-plugin.json': false } as const;

export const explorer2Text = (plugin: boolean, categories: Categories, labelPrefix = ''): string =>
  `${JSON.stringify(explorer2({ plugin, categories, labelPrefix }), null, 2)}\n`;
