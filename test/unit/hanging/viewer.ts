import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { shipped } from '../../../src/files/places.js';

/** OHIF's core as far as these tests go: the part of the viewer that decides what hangs where. */
interface Core {
  HangingProtocolService: { REGISTRATION: unknown };
  DisplaySetService: { REGISTRATION: unknown };
  ServicesManager: new (
    commands: unknown,
  ) => {
    registerService(registration: unknown): void;
    services: { hangingProtocolService: HangingProtocolService; userAuthenticationService?: object };
  };
  CommandsManager: new (options: object) => unknown;
  ExtensionManager: new (
    parts: object,
  ) => {
    registerExtensions(extensions: readonly object[], dataSources: readonly object[]): Promise<void>;
    getDataSources(name: string): DataSource[];
  };
  classes: { ImageSet: new (images: object[]) => DisplaySet };
}

interface HangingProtocolService {
  setActiveProtocolIds(ids: string | string[]): void;
  run(viewer: { studies: object[]; activeStudy: object; displaySets: object[] }, id: string | string[]): void;
  getActiveProtocol(): { protocol: { id: string }; stage: { viewports: object[] } };
  getMatchDetails(): {
    viewportMatchDetails: Map<
      string,
      { viewportOptions: object; displaySetsInfo: { displaySetInstanceUID?: string }[] }
    >;
  };
  getComputedOptions(options: object, displaySets: string[]): { initialImageOptions?: { index: number } };
}

interface DisplaySet {
  uid: string;
  images: Image[];
  setAttributes(attributes: object): void;
}
export interface Image {
  Modality: string;
  SOPInstanceUID: string;
  SeriesInstanceUID: string;
  StudyInstanceUID: string;
}

interface DataSource {
  query: { series: { search(study: string): Promise<{ modality: string }[]> } };
  initialize(opening: object): Promise<void>;
  getStudyInstanceUIDs(opening: object): string[];
}

const require = createRequire(shipped('testkit', 'ohif', 'package.json'));

/** Which of OHIF's cores are installed: the newest, and the one that Orthanc's OHIF plugin brings. */
export const cores = ['@ohif/core', 'ohif-core-orthanc'].filter((name) => {
  try {
    require.resolve(name);
    return true;
  } catch {
    return false;
  }
});

/** Stands for what draws: any call of it, and anything of it, is itself. */
const drawing: object = new Proxy(() => undefined, {
  get: (_target, name) => (name === Symbol.toPrimitive ? () => '' : drawing),
  apply: () => drawing,
  construct: () => drawing,
});

const stored = new Map<string, string>();

/** One browser window for all that is loaded. */
const window = {
  localStorage: {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
  },
  location: { origin: 'http://orthanc', search: '' },
  addEventListener: () => undefined,
  config: { extensions: [] as object[], routerBasename: '/ohif/' },
};
const loadedCores = new Map<string, Core>();

function loadCore(name: string): Core {
  const known = loadedCores.get(name);
  if (known !== undefined) return known;
  const loaded: { exports: object } = { exports: {} };
  const requires = (id: string): unknown => (id.startsWith('@cornerstonejs/') ? drawing : require(id));
  run(readFileSync(require.resolve(name), 'utf8'), {
    module: loaded,
    exports: loaded.exports,
    require: requires,
    window,
    self: globalThis,
    document: Object.assign(new EventTarget(), { body: new EventTarget() }),
    navigator: { platform: '', userAgent: '' },
    // It tells of every rule that it tries.
    console: { ...console, log: () => undefined, warn: () => undefined },
  });
  const core = loaded.exports as Core;
  loadedCores.set(name, core);
  return core;
}

function run(script: string, globals: Record<string, unknown>): void {
  new Function(...Object.keys(globals), script)(...Object.values(globals));
}

/** As OHIF's default extension has it: the first display set with a picture, or the one that the address names. */
const defaultProtocol = {
  id: 'default',
  protocolMatchingRules: [],
  numberOfPriorsReferenced: 0,
  displaySetSelectors: {
    any: {
      seriesMatchingRules: [
        { weight: 10, attribute: 'numImageFrames', constraint: { greaterThan: { value: 0 } } },
        { weight: 20, attribute: 'isDisplaySetFromUrl', constraint: { equals: true } },
      ],
    },
  },
  stages: [
    {
      name: 'default',
      viewportStructure: { layoutType: 'grid', properties: { rows: 1, columns: 1 } },
      viewports: [{ viewportOptions: { viewportType: 'stack' }, displaySets: [{ id: 'any' }] }],
    },
  ],
};

/** What the viewer shows: the protocol in use, and the picture of each viewport from the top left. */
export interface Shown {
  protocol: string;
  viewports: (string | undefined)[];
  /** Studies that it opened. */
  studies: string[];
}

/**
 * Opens a study as OHIF's Mode.tsx does, with OHIF's own extension manager and hanging protocol service.
 * @param archive the pictures of each study; a series of several is a stack unless its modality is CR or DX
 * @param answers what Plainview says to a request, or throws
 */
export async function openStudy(options: {
  core: string;
  study: string;
  search?: string;
  archive: Record<string, Image[]>;
  stacked?: boolean;
  /** Keeps what the browser has stored. */
  again?: boolean;
  /** What the data source says that the study holds. Default: what is in the archive. */
  modalities?: () => string[];
  answers: (url: URL) => unknown;
}): Promise<Shown> {
  const { study, archive, answers, stacked = false } = options;
  window.location.search = options.search ?? '';
  if (!options.again) stored.clear();
  run(readFileSync(shipped('orthanc', 'ohif.js'), 'utf8'), {
    window,
    fetch: async (url: URL) => {
      const answer = answers(url);
      return { ok: answer !== undefined, status: 404, json: async () => answer };
    },
    console: { ...console, warn: () => undefined },
  });
  // The plugin puts its own settings behind a site's.
  window.config.routerBasename = '/ohif/';
  const core = loadCore(options.core);
  const mode = { hangingProtocol: 'default' as string | string[] };
  const appConfig = { ...window.config, dataSources: [{ sourceName: 'dicomweb' }], loadedModes: [mode] };
  const commandsManager = new core.CommandsManager({});
  const servicesManager = new core.ServicesManager(commandsManager);
  servicesManager.registerService(core.DisplaySetService.REGISTRATION);
  servicesManager.registerService(core.HangingProtocolService.REGISTRATION);
  const extensionManager = new core.ExtensionManager({ commandsManager, servicesManager, appConfig });
  const modalities = options.modalities ?? (() => (archive[study] ?? []).map(({ Modality }) => Modality));
  const source: DataSource = {
    query: { series: { search: async () => modalities().map((modality) => ({ modality })) } },
    initialize: async () => undefined,
    getStudyInstanceUIDs: () => [study],
  };
  const viewer = {
    id: '@ohif/extension-default',
    getHangingProtocolModule: () => [{ name: 'default', protocol: defaultProtocol }],
    getDataSourcesModule: () => [{ name: 'dicomweb', type: 'webApi', createDataSource: () => source }],
  };
  const dataSources = [
    {
      namespace: '@ohif/extension-default.dataSourcesModule.dicomweb',
      sourceName: 'dicomweb',
      configuration: {},
    },
  ];
  await extensionManager.registerExtensions([viewer, ...window.config.extensions], dataSources);

  const opening = { params: {}, query: new URLSearchParams(options.search) };
  const [dataSource] = extensionManager.getDataSources('dicomweb');
  if (dataSource === undefined) throw new Error('OHIF has no data source');
  await dataSource.initialize(opening);
  const studies = dataSource.getStudyInstanceUIDs(opening);
  const displaySets = studies.flatMap((uid) => displaySetsOf(core, archive[uid] ?? [], stacked));
  const { hangingProtocolService: service } = servicesManager.services;
  service.setActiveProtocolIds(mode.hangingProtocol);
  const known = studies.map((StudyInstanceUID) => ({ StudyInstanceUID }));
  const [activeStudy] = known;
  if (activeStudy === undefined) throw new Error('no study is open');
  service.run({ studies: known, activeStudy, displaySets }, mode.hangingProtocol);

  const shown = [...service.getMatchDetails().viewportMatchDetails.values()].map(
    ({ displaySetsInfo, viewportOptions }) => {
      const displaySet = displaySets.find(({ uid }) => uid === displaySetsInfo[0]?.displaySetInstanceUID);
      if (displaySet === undefined) return undefined;
      const { initialImageOptions } = service.getComputedOptions(viewportOptions, [displaySet.uid]);
      return displaySet.images[initialImageOptions?.index ?? 0]?.SOPInstanceUID;
    },
  );
  return { protocol: service.getActiveProtocol().protocol.id, viewports: shown, studies };
}

/** As OHIF's stack handler does: a display set for each picture of a single-image modality, else for each series. */
function displaySetsOf(core: Core, images: Image[], stacked: boolean): DisplaySet[] {
  const series = new Map<string, Image[]>();
  for (const image of images) {
    const key = stacked ? image.SeriesInstanceUID : image.SOPInstanceUID;
    series.set(key, [...(series.get(key) ?? []), image]);
  }
  return [...series.values()].map((those) => {
    const displaySet = new core.classes.ImageSet(those);
    const [first] = those;
    displaySet.setAttributes({
      displaySetInstanceUID: displaySet.uid,
      numImageFrames: those.length,
      ...first,
    });
    return displaySet;
  });
}
