import { type InstanceId, instanceId } from '../../src/orthanc/ids.js';
import { image, uid } from '../dicom.js';
import type { FakeOrthanc } from '../fake-orthanc.js';

/** What may stand for a picture: the network's decision, or a person's with this category. */
export type State = 'network' | `person ${string}`;

const studyOf = (n: number) => Math.floor(n / 3);
const seriesOf = (n: number) => `${studyOf(n)} ${n % 3 === 2 ? 1 : 0}`;
export const patients = ['history 0', 'history 1', 'history other'] as const;

/** A file whose pixels no other has. */
const fileOf = (n: number) =>
  image({
    rows: 8,
    columns: 8,
    patientId: `history ${studyOf(n)}`,
    studyInstanceUid: uid(`history study ${studyOf(n)}`),
    seriesInstanceUid: uid(`history series ${seriesOf(n)}`),
    sopInstanceUid: uid(`history picture ${n}`),
    pixels: Uint16Array.from({ length: 64 }, (_, index) => index * (n + 3)),
    attributes: { '0020,0013': ['IS', n + 1] },
  });

const requestOfMove = (replace: Record<string, string>, keep: readonly string[]) => ({
  Replace: replace,
  Keep: keep,
  Force: true,
});

/** A picture of a history, under the identifiers that it has now, and what may stand for it by what was acknowledged. */
export class Picture {
  readonly #fake: FakeOrthanc;
  #file: Buffer;
  #moves = 0;
  readonly #n: number;
  id: InstanceId;
  isThere = true;
  states = new Set<State>(['network']);
  /** What a service may put back that has not seen the last words. */
  unseen = new Set<State>();
  /** `who` of the last request that was acknowledged, where nothing has been asked of the picture since. */
  request: string | undefined;

  constructor(fake: FakeOrthanc, n: number) {
    this.#fake = fake;
    this.#n = n;
    this.#file = fileOf(n);
    this.id = this.#store();
  }

  get name(): string {
    return `${this.#n} (${this.id.slice(0, 4)})`;
  }

  get hasMoved(): boolean {
    return this.#moves > 0;
  }

  /** A word that was acknowledged, by one of so many services. */
  said(states: readonly State[], services: number): void {
    if (services > 1) for (const state of this.states) this.unseen.add(state);
    this.states = new Set(states);
    this.request = undefined;
  }

  /** A word that was not acknowledged: it may stand. */
  perhapsSaid(states: readonly State[]): void {
    for (const state of states) this.states.add(state);
    this.request = undefined;
  }

  /** Sends the file again. */
  send(): void {
    this.id = this.#store();
    this.#lost();
  }

  async remove(): Promise<void> {
    this.isThere = false;
    await this.#delete();
  }

  /** The patient was the wrong one: everything gets new UIDs, or keeps those that it has. */
  move(patient: string, keepsUids: boolean): Promise<void> {
    this.#moves++;
    const made = uid(`history move ${this.#n} ${this.#moves}`);
    return this.#move(
      keepsUids
        ? requestOfMove({ PatientID: patient }, ['SOPInstanceUID'])
        : requestOfMove({ PatientID: patient, StudyInstanceUID: made, SeriesInstanceUID: `${made}.1` }, []),
    );
  }

  /** Its study becomes part of another picture's. */
  async merge(into: Picture): Promise<void> {
    const answer = await fetch(`${this.#fake.url}/instances/${into.id}/simplified-tags`);
    const { PatientID, StudyInstanceUID } = (await answer.json()) as Record<string, string>;
    this.#moves++;
    const SeriesInstanceUID = uid(`history merge ${this.#n} ${this.#moves}`);
    await this.#move(
      requestOfMove(
        { PatientID: PatientID ?? '', StudyInstanceUID: StudyInstanceUID ?? '', SeriesInstanceUID },
        [],
      ),
    );
  }

  /** As Orthanc does it: the changed file is stored, then the source is deleted. */
  async #move(request: ReturnType<typeof requestOfMove>): Promise<void> {
    const answer = await fetch(`${this.#fake.url}/instances/${this.id}/modify`, {
      method: 'POST',
      body: JSON.stringify(request),
    });
    if (!answer.ok) throw new Error(`modify: ${answer.status} ${await answer.text()}`);
    this.#file = Buffer.from(await answer.arrayBuffer());
    const source = this.id;
    this.id = this.#store(source);
    if (this.id !== source) await fetch(`${this.#fake.url}/instances/${source}`, { method: 'DELETE' });
    this.#lost();
  }

  #store(modifiedFrom?: string): InstanceId {
    this.isThere = true;
    return instanceId.parse(this.#fake.store(this.#file, modifiedFrom).ID);
  }

  async #delete(): Promise<void> {
    await fetch(`${this.#fake.url}/instances/${this.id}`, { method: 'DELETE' });
  }

  /** Orthanc has lost all metadata of the picture. */
  #lost(): void {
    for (const state of this.unseen) this.states.add(state);
    this.request = undefined;
  }
}
