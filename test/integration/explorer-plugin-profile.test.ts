import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { temporaryFolder } from '../../src/files/temporary.js';
import { explorerPlugin } from '../../src/sandbox/places.js';
import { Listener } from '../../testkit/listener.js';
import { useOrthanc } from '../../testkit/orthanc.js';

const secret = 'the secret of both';
const service = new Listener(secret);

/** Answers as the authorization plugin does at this address, which is not in Debian's packages. */
const stub = `
import json
import sys
sys.path.insert(0, ${JSON.stringify(dirname(explorerPlugin))})
import orthanc
import explorer_plugin

PROFILES = {
    'jane': {'name': 'Jane Doe', 'user-id': '17', 'groups': ['radiologists'], 'permissions': ['view'], 'authorized-labels': ['*']},
    'boss': {'name': 'Boss', 'groups': ['radiologists'], 'permissions': ['view', 'admin-permissions']},
    'older': {'name': 'Older', 'permissions': ['view']},
    'odd': {'name': "O'<Dd>", 'permissions': []},
    'nobody': {'permissions': []},
    'broken': [1],
}

def profile(output, uri, **request):
    found = PROFILES.get(request['headers'].get('token'))
    if found is None:
        output.SendHttpStatusCode(403)
    else:
        output.AnswerBuffer(json.dumps(found), 'application/json')

orthanc.RegisterRestCallback('/auth/user/profile', profile)
`;

const real = useOrthanc(async () => {
  const script = join(await temporaryFolder('plainview-profiles-'), 'profiles.py');
  await writeFile(script, stub);
  return {
    hook: { url: (await service.listen()).url, secret },
    explorer: true,
    configuration: {
      PythonScript: script,
      Authorization: { WebServiceRootUrl: 'http://127.0.0.1:9/' },
      Plainview: {
        GroupRoles: { radiologists: 'reviewer' },
        PermissionRoles: { 'admin-permissions': 'admin' },
      },
    },
  };
});
beforeAll(() => {
  service.answer = { status: 200, body: '{}', headers: { 'content-type': 'application/json' } };
});
afterAll(() => service.close());
beforeEach(() => {
  service.requests.length = 0;
});

const callerWith = async (headers: Record<string, string>) => {
  const { status } = await fetch(`${real.orthanc.url}/plainview/api/v1/me`, { headers });
  const [request] = service.requests;
  return request === undefined
    ? status
    : [request.headers['x-plainview-user'], request.headers['x-plainview-role']];
};

test.each([
  ['the role of a group', 'jane', ['Jane%20Doe', 'reviewer']],
  ['the higher of two roles', 'boss', ['Boss', 'admin']],
  ['the default role, with a plugin that knows no groups', 'older', ['Older', 'viewer']],
  ['no name', 'nobody', ['anonymous', 'viewer']],
  ['a profile that cannot be read', 'broken', ['anonymous', 'viewer']],
  ['no profile', 'unknown', ['anonymous', 'viewer']],
])('behind the authorization plugin, a token with %s', async (_what, token, expected) => {
  expect(await callerWith({ token })).toEqual(expected);
});

test('a name that cannot be recorded is refused', async () => {
  expect(await callerWith({ token: 'odd' })).toBe(403);
});

test('the profile of one token is never used for another', async () => {
  expect(await callerWith({ token: 'boss' })).toEqual(['Boss', 'admin']);
  service.requests.length = 0;
  expect(await callerWith({ token: 'jane' })).toEqual(['Jane%20Doe', 'reviewer']);
  service.requests.length = 0;
  expect(await callerWith({ token: 'jane', authorization: 'Bearer x' })).toEqual(['Jane%20Doe', 'reviewer']);
  service.requests.length = 0;
  expect(await callerWith({})).toEqual(['anonymous', 'viewer']);
});
