import { describe, expect, test } from 'vitest';
import { withOrthanc } from '../../testkit/orthanc.js';

const secret = 'the secret of both';

describe('Explorer’s plugin with a wrong configuration', () => {
  test.each([
    ['Plainview.Roles', { Plainview: { Roles: { alice: 'root' } } }, secret],
    ['Plainview.GroupRoles', { Plainview: { GroupRoles: { radiologists: 'root' } } }, secret],
    ['HttpThreadsCount must be 2', { HttpThreadsCount: 1, KeepAlive: false }, secret],
    ['Plainview.DefaultRole', { Plainview: { DefaultRole: 'everything' } }, secret],
    ['Plainview.Url', { Plainview: { Url: 'file:///etc/passwd' } }, secret],
    ['"Plainview"', { Plainview: { Role: {} } }, secret],
    ['PLAINVIEW_SECRET is not set', {}, ''],
    [
      'PLAINVIEW_SECRET and PLAINVIEW_SECRET_FILE are both set',
      {},
      secret,
      { PLAINVIEW_SECRET_FILE: '/dev/null' },
    ],
    ['PLAINVIEW_SECRET_FILE is empty', {}, '', { PLAINVIEW_SECRET_FILE: '/dev/null' }],
  ])(
    '%s is named in Orthanc’s log, and Orthanc runs without the pages',
    async (option, wrong, given, env: Record<string, string> = {}) => {
      const hook = { url: 'http://127.0.0.1:9/hook', secret: given };
      await withOrthanc({ hook, explorer: true, configuration: wrong, env }, async (orthanc) => {
        expect(await orthanc.log()).toMatch(
          new RegExp(`Plainview: Orthanc's pages go without it: .*${option}`),
        );
        expect((await fetch(`${orthanc.url}/plainview/session`)).status).toBe(404);
        expect(await (await fetch(`${orthanc.url}/plugins/explorer.js`)).text()).not.toContain('Plainview');
      });
    },
  );
});
