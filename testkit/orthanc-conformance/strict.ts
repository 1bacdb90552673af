import { missing, store } from './files.js';
import { Recorder } from './recorder.js';

/** Calls an Orthanc that replaces files and checks revisions. @returns the transcript */
export async function strict(url: string): Promise<string> {
  const recorder = new Recorder(url);
  recorder.name(missing, 'missing');
  const other = await store(recorder, 'windowed');
  const { ID, ParentSeries } = await store(recorder, 'inverted');
  const path = `/instances/${ID}/metadata/Radiograph`;

  recorder.title('Revisions');
  const write = (body: string, headers = {}) => recorder.call('PUT', path, { body, headers });
  await write('one');
  await write('two');
  const { etag } = await recorder.call('GET', path);
  await write('two', { 'if-match': etag });
  await write('three', { 'if-match': etag });
  const second = await recorder.call('GET', path);
  await recorder.call('DELETE', path);
  await recorder.call('DELETE', path, { headers: { 'if-match': etag } });
  await recorder.call('DELETE', path, { headers: { 'if-match': second.etag } });
  await recorder.call('DELETE', path, { headers: { 'if-match': second.etag } });
  await recorder.call('DELETE', path);
  await recorder.call('PUT', path, { body: 'anew', headers: { 'if-match': etag } });
  await recorder.call('DELETE', `/instances/${missing}/metadata/Radiograph`);

  recorder.title('Replacing');
  const state = async () => {
    for (const path of [`/instances/${ID}`, `/series/${ParentSeries}`, '/studies', '/patients'])
      await recorder.call('GET', path);
    for (const path of [`/instances/${ID}`, `/series/${ParentSeries}`])
      await recorder.call('GET', `${path}/metadata/Radiograph`);
    await recorder.call('GET', '/changes');
  };
  await recorder.call('PUT', `/instances/${ID}/attachments/1040`, { body: 'attached' });
  for (const path of [`/instances/${ID}`, `/series/${ParentSeries}`])
    await recorder.call('PUT', `${path}/labels/mine`, { body: '' });
  await recorder.call('PUT', `/series/${ParentSeries}/metadata/Radiograph`, { body: '{}' });
  await state();
  // The series stays, because it has another instance.
  await store(recorder, 'inverted');
  await state();
  await recorder.call('DELETE', `/instances/${other.ID}`);
  // The series is deleted with its only instance, and created again.
  await store(recorder, 'inverted');
  await state();

  recorder.title('Writing into a file');
  const file = await recorder.call('POST', `/instances/${ID}/modify`, {
    body: {
      Replace: { '0018,5101': 'AP', ViewCodeSequence: [{ CodeValue: '1', CodeMeaning: 'Höhe' }] },
      Remove: ['0018,0015'],
      Keep: ['SOPInstanceUID'],
      Force: true,
    },
  });
  await recorder.call('POST', '/instances', { body: file.body });
  await recorder.call('GET', `/instances/${ID}/simplified-tags`);
  await recorder.call('GET', `/instances/${ID}/frames/0/rendered`, {
    headers: { accept: 'image/x-portable-arbitrarymap' },
  });
  return recorder.transcript;
}
