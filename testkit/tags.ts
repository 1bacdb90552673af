import { afterEach } from 'vitest';
import { type Stub, stubClassifier } from './classifier.js';
import { type ImageOptions, image } from './dicom.js';
import { useOrthanc, waitFor } from './orthanc.js';
import { elementsOf } from './part10-reader.js';
import { hookAddress, Reader, startTestService, type TestService } from './service.js';

interface Written {
  of: string;
  written: Record<string, { was?: unknown; now: unknown }>;
  undone?: true;
  received?: Record<string, string>;
}

/** An Orthanc that replaces stored files, and services that write attributes into them, for one test file. */
export async function useTags() {
  const hook = await hookAddress();
  const real = useOrthanc({ hook, configuration: { OverwriteInstances: true } });
  const reader = () => new Reader(real.orthanc.url);
  /** Run after each test, the last first. */
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function service(
    tags: 'off' | 'absent' | 'replace',
    {
      answer = 'knee_ap',
      ...options
    }: { answer?: string; env?: NodeJS.ProcessEnv; stateDir?: string; orthanc?: string } = {},
  ): Promise<TestService> {
    const classifier: Stub = stubClassifier();
    classifier.answer = async () => ({ category: answer, score: 0.99 });
    const started = await startTestService({
      orthanc: real.orthanc.url,
      hook,
      classifier,
      ...options,
      env: { PLAINVIEW_TAGS: tags, ...options.env },
    });
    ends.push(() => started.stop());
    return started;
  }

  /** Stops the service that was started last. */
  async function stop(): Promise<void> {
    await ends.pop()?.();
  }

  const tagsOf = async (id: string): Promise<Written | undefined> => {
    const text = await reader().metadata(`instances/${id}`, 'RadiographTags');
    return text === undefined ? undefined : JSON.parse(text);
  };

  /** Waits until the decision has this category and the file has its attributes. */
  const waitForTags = (id: string, category: string) =>
    waitFor(
      async () => {
        const [record, tags] = [await reader().record(id), await tagsOf(id)];
        const isWritten = record?.category === category && tags?.of === record.when;
        return (
          isWritten && (await reader().metadata(`instances/${id}`, 'RadiographCategory')) === category && tags
        );
      },
      { what: `${id} says ${category}` },
    );

  const text = async (path: string) => (await fetch(`${real.orthanc.url}/${path}`)).text();

  const fileOf = async (id: string): Promise<Buffer> =>
    Buffer.from(await (await fetch(`${real.orthanc.url}/instances/${id}/file`)).arrayBuffer());

  const simplified = async (id: string): Promise<Record<string, unknown>> =>
    JSON.parse(await text(`instances/${id}/simplified-tags`));

  return { hook, real, reader, ends, service, stop, tagsOf, waitForTags, text, fileOf, simplified };
}

/** Tag → value of the dataset and the transfer syntax. The other file meta information is left out. */
export const dataset = (file: Buffer) =>
  new Map([...elementsOf(file)].filter(([tag]) => !tag.startsWith('0002,') || tag === '0002,0010'));

/** A radiograph with private attributes and a series description that is not ASCII. */
export function picture(options: ImageOptions = {}): Buffer {
  return image({
    ...options,
    attributes: {
      '0009,0010': ['LO', 'PLAINVIEW TEST'],
      '0009,1001': ['LO', 'kept as it is'],
      '0008,103e': ['LO', 'Übersicht'],
      ...options.attributes,
    },
  });
}
