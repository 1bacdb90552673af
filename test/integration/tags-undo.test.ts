import { describe, expect, test } from 'vitest';
import { callApi } from '../../testkit/api.js';
import { plainview } from '../../testkit/cli.js';
import { waitFor } from '../../testkit/orthanc.js';
import type { TestService } from '../../testkit/service.js';
import { dataset, picture, useTags } from '../../testkit/tags.js';

const { hook, real, reader, service, tagsOf, waitForTags, fileOf, simplified } = await useTags();

describe('undo', () => {
  const env = (of: TestService) => ({
    PLAINVIEW_ORTHANC_URL: real.orthanc.url,
    PLAINVIEW_SECRET: of.secret,
    PLAINVIEW_PORT: String(hook.port),
  });

  test('restores the previous attributes of the files, once, until they are decided again', async () => {
    const of = await service('absent');
    const bytes = picture();
    const first = await real.storeInstance(bytes);
    await waitForTags(first.orthancId, 'knee_ap');
    const dry = plainview(['tags', 'undo', first.study, '--dry-run'], env(of));
    expect(await dry.ended).toBe(0);
    expect(dry.out()).toContain(first.orthancId);
    const undo = plainview(['tags', 'undo', first.study], env(of));
    expect(await undo.ended).toBe(0);
    expect(undo.out()).toContain('1 given back');
    expect(dataset(await fileOf(first.orthancId))).toEqual(dataset(bytes));
    const tags = await tagsOf(first.orthancId);
    expect(tags).toMatchObject({ undone: true, written: {} });
    // Not written again until the instance is decided again.
    await of.notice(first.orthancId);
    const second = await real.storeInstance(picture());
    await waitForTags(second.orthancId, 'knee_ap');
    expect(await tagsOf(first.orthancId)).toEqual(tags);
    await reader().put(`instances/${first.orthancId}`, 'RadiographReclassify', '{}');
    await waitFor(async () => (await simplified(first.orthancId)).BodyPartExamined === 'KNEE');
  });

  test('works while writing is switched off, and says when there is nothing to undo', async () => {
    const of = await service('off');
    const { orthancId } = await real.storeInstance(picture());
    await reader().decided(orthancId);
    const answer = await callApi(of, 'POST', '/tags/undo', { body: { instances: [orthancId] } });
    expect(answer).toMatchObject({ status: 200, json: { undone: [], left: [{ instance: orthancId }] } });
    expect(
      (await callApi(of, 'POST', '/tags/undo', { body: { instances: [orthancId] }, role: 'reviewer' }))
        .status,
    ).toBe(403);
  });
});
