import { missing, store } from './files.js';
import { Recorder } from './recorder.js';

/** What an Orthanc answers that replaces files and checks revisions. @returns the transcript */
export async function strict(url: string): Promise<string> {
  const to = new Recorder(url);
  to.name(missing, 'missing');
  const other = await store(to, 'windowed');
  const { ID, ParentSeries } = await store(to, 'inverted');
  const place = `/instances/${ID}/metadata/Radiograph`;

  to.title('Revisions');
  const write = (body: string, headers = {}) => to.ask('PUT', place, { body, headers });
  await write('one');
  await write('two');
  const { etag } = await to.ask('GET', place);
  await write('two', { 'if-match': etag });
  await write('three', { 'if-match': etag });
  const second = await to.ask('GET', place);
  await to.ask('DELETE', place);
  await to.ask('DELETE', place, { headers: { 'if-match': etag } });
  await to.ask('DELETE', place, { headers: { 'if-match': second.etag } });
  await to.ask('DELETE', place, { headers: { 'if-match': second.etag } });
  await to.ask('DELETE', place);
  await to.ask('PUT', place, { body: 'anew', headers: { 'if-match': etag } });
  await to.ask('DELETE', `/instances/${missing}/metadata/Radiograph`);

  to.title('Replacing');
  const state = async () => {
    for (const path of [`/instances/${ID}`, `/series/${ParentSeries}`, '/studies', '/patients'])
      await to.ask('GET', path);
    for (const path of [`/instances/${ID}`, `/series/${ParentSeries}`])
      await to.ask('GET', `${path}/metadata/Radiograph`);
    await to.ask('GET', '/changes');
  };
  await to.ask('PUT', `/instances/${ID}/attachments/1040`, { body: 'attached' });
  for (const path of [`/instances/${ID}`, `/series/${ParentSeries}`])
    await to.ask('PUT', `${path}/labels/mine`, { body: '' });
  await to.ask('PUT', `/series/${ParentSeries}/metadata/Radiograph`, { body: '{}' });
  await state();
  // Another instance keeps the series.
  await store(to, 'inverted');
  await state();
  await to.ask('DELETE', `/instances/${other.ID}`);
  // The only one: its series goes with it, and comes anew.
  await store(to, 'inverted');
  await state();

  to.title('Writing into a file');
  const file = await to.ask('POST', `/instances/${ID}/modify`, {
    body: {
      Replace: { '0018,5101': 'AP', ViewCodeSequence: [{ CodeValue: '1', CodeMeaning: 'Höhe' }] },
      Remove: ['0018,0015'],
      Keep: ['SOPInstanceUID'],
      Force: true,
    },
  });
  await to.ask('POST', '/instances', { body: file.body });
  await to.ask('GET', `/instances/${ID}/simplified-tags`);
  await to.ask('GET', `/instances/${ID}/frames/0/rendered`, {
    headers: { accept: 'image/x-portable-arbitrarymap' },
  });
  return to.transcript;
}
