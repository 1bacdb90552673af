import { CorrectionStore } from '../../../../src/decisions/correction-store.js';
import type { NewDecision } from '../../../../src/decisions/schema.js';
import { tagsRecord } from '../../../../src/decisions/tags-record.js';
import type { TagsMode } from '../../../../src/followups/tags/plan.js';
import { Tagger } from '../../../../src/followups/tags/tagger.js';
import { FolderStore } from '../../../../src/store/folder-store.js';
import { categories, type FakeSite, type Line, silent } from '../../../../testkit/fake-site.js';
import { elementsOf } from '../../../../testkit/part10-reader.js';

/** A tagger on the fake Orthanc that starts now. */
export function taggerOn(site: FakeSite, mode: TagsMode = 'absent', onPutBack = () => {}) {
  const process = site.process();
  const tagger = new Tagger({
    ...process,
    mode,
    categories,
    store: new FolderStore(site.stateDir),
    corrections: new CorrectionStore(new FolderStore(site.stateDir), process.locks, silent),
    addUp: async (study, changed) => {
      await process.aggregates.aggregate(study, changed);
    },
    onPutBack,
    log: silent,
  });
  return {
    ...process,
    tagger,
    isDue: async ({ instance: id }: Line) => tagger.isDue(await process.orthanc.hierarchy.instance(id)),
  };
}

/** Records a network's decision. */
export async function decide(site: FakeSite, { instance: id }: Line, decided: NewDecision): Promise<void> {
  const { orthanc, recorder } = site.process();
  const before = await orthanc.hierarchy.instance(id);
  await recorder.record(await orthanc.hierarchy.describe(id), before, decided);
}

export function tagsOf(site: FakeSite, { instance: id }: Line) {
  const text = site.fake.metadata(id).RadiographTags;
  return text === undefined ? undefined : tagsRecord.parse(JSON.parse(text));
}

/** By tag, without the file's head. */
export async function datasetOf(site: FakeSite, { instance: id }: Line): Promise<Map<string, string>> {
  const file = await fetch(`${site.fake.url}/instances/${id}/file`);
  const all = elementsOf(Buffer.from(await file.arrayBuffer()));
  return new Map([...all].filter(([tag]) => !tag.startsWith('0002,')));
}

/** Attributes as Orthanc's JSON has them. */
export async function attributesOf(site: FakeSite, { instance: id }: Line): Promise<Record<string, unknown>> {
  return (await (await fetch(`${site.fake.url}/instances/${id}/simplified-tags`)).json()) as Record<
    string,
    unknown
  >;
}
