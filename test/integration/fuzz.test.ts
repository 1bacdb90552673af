import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { role as roleSchema, roles } from '../../src/access/caller.js';
import { signedHeaders } from '../../src/access/signature.js';
import { callApi } from '../../testkit/api.js';
import { stubClassifier } from '../../testkit/classifier.js';
import { image, uid } from '../../testkit/dicom.js';
import { type ApiOperation, operationsOf } from '../../testkit/fuzz/description.js';
import { type FuzzRequest, Generator } from '../../testkit/fuzz/generate.js';
import { useOrthanc, waitFor } from '../../testkit/orthanc.js';
import { seeded } from '../../testkit/random.js';
import { head, rulesFolder } from '../../testkit/rules.js';
import { hookAddress, Reader, startTestService, type TestService } from '../../testkit/service.js';

/** FUZZ_REQUESTS and FUZZ_SEED set the number and the choice of requests. Without a number, a slow machine sends fewer. */
const requests = Number(process.env.FUZZ_REQUESTS ?? 2000);
const seed = Number(process.env.FUZZ_SEED ?? 1);
const budgetMs = process.env.FUZZ_REQUESTS === undefined ? 45_000 : Number.POSITIVE_INFINITY;
const atATime = 8;
/** Long enough that a machine that is busy with other tests does not count as a hang. */
const longestMs = 60_000;

const hook = await hookAddress();
const real = useOrthanc({ hook });
const agent = new Agent({ keepAlive: true, maxSockets: atATime });

interface Answer {
  status: number;
  type: string;
  body: string;
}

/** Sends the request without any normalisation. Closes a stream of events when it has started. */
async function send(
  { url, secret }: TestService,
  { method, path, headers, body }: FuzzRequest,
  role: string,
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const outgoing = request({
    agent,
    hostname,
    port,
    method,
    path,
    headers: {
      ...headers,
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
      ...signedHeaders(secret, {
        method,
        target: path,
        who: 'fuzzer',
        role: roleSchema.parse(role),
        body: body ?? '',
      }),
    },
    signal: AbortSignal.timeout(longestMs),
  });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const answer = { status: incoming.statusCode ?? 0, type: incoming.headers['content-type'] ?? '', body: '' };
  if (answer.type.startsWith('text/event-stream')) {
    incoming.destroy();
    return answer;
  }
  for await (const part of incoming) answer.body += String(part);
  return answer;
}

/** Compares an answer with its declaration. @returns what is wrong with it */
function makeCheck() {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  const problem = ajv.compile({
    type: 'object',
    required: ['type', 'title', 'status', 'code'],
    properties: { title: { type: 'string', minLength: 10 }, code: { type: 'string' } },
  });
  return ({ operation, method, path }: FuzzRequest, { status, type, body }: Answer): string | undefined => {
    if (status >= 500) return `status ${status}: ${body}`;
    if (method === 'HEAD') return undefined;
    // A random path or method may belong to another operation, or to a page.
    const own = new RegExp(`^${operation.path.replace(/\{\w+\}/g, '[^/]+')}$`);
    const isOwn = method === operation.method && own.test(path.split('?')[0] ?? '');
    if (isOwn && operation.responses[status] === undefined)
      return `status ${status} is not declared: ${body}`;
    if (status >= 400) {
      if (!type.startsWith('application/problem+json')) return `status ${status} as ${type}`;
      return problem(JSON.parse(body)) ? undefined : `no problem+json: ${body}`;
    }
    if (!isOwn) return undefined;
    const declared = operation.responses[status]?.['application/json'];
    if (declared === undefined || !type.startsWith('application/json')) return undefined;
    return ajv.validate(declared.schema, JSON.parse(body))
      ? undefined
      : `${body} is not as declared: ${ajv.errorsText()}`;
  };
}

test('requests from the API’s description: none fails, none hangs, and each answer is as declared', {
  timeout: 600_000,
}, async () => {
  const rules = await rulesFolder();
  const of = await startTestService({
    orthanc: real.orthanc.url,
    hook,
    classifier: stubClassifier(),
    env: {
      PLAINVIEW_API_RATE: '1000000',
      PLAINVIEW_RULES_FILE: await rules.write({ ...head, rules: [{ name: 'all', do: { label: 'ruled' } }] }),
    },
  });
  try {
    const stored = [];
    for (let number = 0; number < 4; number++) {
      of.classifier.answer = async () => ({ category: 'hand_ap', score: number % 2 === 0 ? 0.99 : 0.6 });
      const one = await real.storeInstance(
        image({
          studyInstanceUid: uid('fuzz'),
          // The third is not what was ordered.
          attributes: {
            '0008,1010': ['SH', 'ROOM1'],
            ...(number === 2 ? { '0008,103e': ['LO', 'Schulter ap'] } : {}),
          },
        }),
      );
      await new Reader(real.orthanc.url).decided(one.orthancId);
      stored.push(one);
    }
    const records = await Promise.all(
      stored.map(({ orthancId }) => new Reader(real.orthanc.url).record(orthancId)),
    );
    const operations = operationsOf((await callApi(of, 'GET', '/openapi.json')).json);
    const run = (
      await callApi(of, 'POST', '/requests', {
        body: { selection: { ids: [stored[0]?.study] }, dryRun: true },
      })
    ).json;
    const handy = [
      ...stored.flatMap(({ orthancId, study }) => [orthancId, study]),
      ...records.flatMap((record) => record?.when ?? []),
      run.id,
      ...[
        'hand_ap',
        'knee_lateral',
        'needs_review',
        'wrist_ap',
        '2024-01-01',
        '2030-12-31',
        'CR',
        'DX',
        'ROOM*',
        'PatientID',
        '1.2.3',
        'aaaa',
      ],
    ];
    const random = seeded(seed);
    const generator = new Generator(random, handy);
    const faultOf = makeCheck();
    const wrong: string[] = [];
    const statuses = new Map<number, number>();
    const succeeded = new Map<string, number>();
    let sent = 0;
    const began = performance.now();
    const pick = <T>(all: readonly T[]): T | undefined => all[Math.floor(random() * all.length)];
    const sendAndCheck = async (wanted: FuzzRequest, role: string): Promise<Answer | undefined> => {
      const what = `${wanted.method} ${wanted.path.slice(0, 300)} ${wanted.body?.slice(0, 300) ?? ''}`;
      try {
        const answer = await send(of, wanted, role);
        const { id } = wanted.operation;
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (answer.status < 300) succeeded.set(id, (succeeded.get(id) ?? 0) + 1);
        const fault = faultOf(wanted, answer);
        if (fault !== undefined) wrong.push(`${what}\n  ${fault}`);
        return answer;
      } catch (error) {
        wrong.push(`${what}\n  ${(error as Error).message}`);
        return undefined;
      }
    };
    // These operations succeed only in a certain state. So each is called once in that state.
    const callOnce = async (id: string, resource: string, body?: object, query = '') => {
      const operation = operations.find((each) => each.id === id);
      if (operation === undefined) throw new Error(`no operation ${id}`);
      const { method, path } = operation;
      const answer = await sendAndCheck(
        {
          operation,
          method,
          path: path.replace(/\{\w+\}/, resource) + query,
          headers: { 'content-type': 'application/json' },
          body: body === undefined ? undefined : JSON.stringify(body),
        },
        'admin',
      );
      return z.object({ when: z.string().optional() }).parse(JSON.parse(answer?.body ?? '{}')).when;
    };
    const one = stored[0]?.orthancId ?? '';
    const seen = await callOnce('correct', one, { category: 'wrist_ap', of: records[0]?.when });
    await callOnce('undo', one, { of: seen });
    // The follow-ups of what was undone may still be written, and then a confirmation is refused.
    await waitFor(async () => {
      const now = await new Reader(real.orthanc.url).record(one);
      return (await callOnce('confirm', one, { of: now?.when })) !== undefined;
    });
    await callOnce('acknowledge', stored[2]?.orthancId ?? '', { answer: 'no_matter', of: records[2]?.when });
    const ofThird = (await new Reader(real.orthanc.url).record(stored[2]?.orthancId ?? ''))?.when;
    await callOnce('orient', stored[2]?.orthancId ?? '', { turned: 90, mirrored: false, of: ofThird });
    await callOnce('retryRoutes', '', { instances: [one] });
    const [second] = stored.slice(1);
    const pictures = [{ instance: second?.orthancId, of: records[1]?.when }];
    await callOnce('confirmTogether', '', { pictures });
    await callOnce('undoTogether', '', { pictures });
    await callOnce('activation', one, undefined, '?category=hand_ap');
    await callOnce('patientInstances', '', { patientId: 'nobody' });
    const study = stored[0]?.study ?? '';
    await new Reader(real.orthanc.url).label(`studies/${study}`, 'foot_ap');
    await callOnce('dismiss', study, { category: 'foot_ap' });
    await callOnce('hangStudy', uid('fuzz'));
    await callOnce('makeQualityReport', '');
    await callOnce('acceptDrift', '', { station: 'ROOM1' });
    await callOnce('useNetwork', '', { network: 'embedded' });
    await callOnce('useNetworkBefore', '');

    const worker = async () => {
      while (sent < requests && performance.now() - began < budgetMs && wrong.length < 10) {
        // In turn, so that chance leaves no operation out.
        const operation: ApiOperation | undefined = operations[sent++ % operations.length];
        if (operation === undefined) continue;
        await sendAndCheck(
          generator.request(operation),
          random() < 0.6 ? 'admin' : (pick(roles) ?? 'viewer'),
        );
      }
    };
    await Promise.all(Array.from({ length: atATime }, worker));
    console.info(
      `seed ${seed}, ${sent} requests, by status:`,
      Object.fromEntries([...statuses].sort(([a], [b]) => a - b)),
    );
    expect([
      ...wrong,
      ...of
        .log()
        .split('\n')
        .filter((line) => /"level":(50|60)/.test(line)),
    ]).toEqual([]);
    expect(operations.map(({ id }) => id).filter((id) => !succeeded.has(id))).toEqual([]);
    expect((await fetch(`${of.url}/health/ready`)).status).toBe(200);
  } finally {
    agent.destroy();
    await of.stop();
    await rules.discard();
  }
});
