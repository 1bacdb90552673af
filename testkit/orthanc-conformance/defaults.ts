import { missing, store } from './files.js';
import { bulk, finding } from './finding.js';
import { Recorder } from './recorder.js';
import type { ScriptContext, StoredFiles } from './script-context.js';

/** Calls an Orthanc with Plainview's configuration. @returns the transcript */
export async function defaults(url: string): Promise<string> {
  const recorder = new Recorder(url);
  recorder.name(missing, 'missing');
  const context: ScriptContext = {
    recorder,
    get: (path, headers = {}) => recorder.call('GET', path, { headers }),
    post: (path, body) => recorder.call('POST', path, { body }),
  };
  await empty(context);
  const stored = await storing(context);
  for (const part of [
    changeLog,
    resources,
    labels,
    metadata,
    attachments,
    finding,
    bulk,
    rendering,
    elements,
    making,
    sending,
    deleting,
  ])
    await part(context, stored);
  return recorder.transcript;
}

async function empty(context: ScriptContext): Promise<void> {
  const { get, post, recorder } = context;
  recorder.title('An empty Orthanc');
  for (const path of ['/changes', '/changes?last', '/instances', '/peers', '/modalities?expand', '/jobs'])
    await get(path);
  for (const path of ['/nope', '/plugins', '/plugins/dicom-web', '/jobs/nope']) await get(path);
  await post('/system', '');
}

async function storing(context: ScriptContext): Promise<StoredFiles> {
  const { recorder } = context;
  recorder.title('Storing');
  const first = await store(recorder, 'windowed');
  const stored = {
    inverted: (await store(recorder, 'inverted')).ID,
    frames: (await store(recorder, 'frames')).ID,
    colour: (await store(recorder, 'colour')).ID,
    truncated: (await store(recorder, 'truncated')).ID,
    report: (await store(recorder, 'report')).ID,
  };
  await store(recorder, 'windowed');
  await recorder.call('POST', '/instances', { body: 'no DICOM file' });
  return { ...first, ...stored };
}

async function changeLog(context: ScriptContext): Promise<void> {
  const { get, recorder } = context;
  recorder.title('The change log');
  for (const query of [
    '',
    '?last',
    '?since=2&limit=3',
    '?since=2&limit=3&type=NewInstance;NewStudy',
    '?since=1000',
  ])
    await get(`/changes${query}`);
}

async function resources(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { get, recorder } = context;
  const { ID, ParentSeries, ParentStudy, ParentPatient, frames, report } = stored;
  const one = `/instances/${ID}`;
  recorder.title('Resources');
  for (const path of [
    one,
    `/series/${ParentSeries}`,
    `/studies/${ParentStudy}`,
    `/patients/${ParentPatient}`,
  ]) {
    for (const page of [
      '',
      '/metadata',
      '/metadata?expand',
      '/metadata?expand&numeric',
      '/labels',
      '/attachments',
    ])
      await get(path + page);
  }
  await get(`${one}?requestedTags=StudyDescription;Rows`);
  for (const page of [
    '/simplified-tags',
    '/tags?short',
    '/frames',
    '/attachments?full',
    '/attachments/dicom/info',
  ])
    await get(one + page);
  for (const page of ['/attachments/dicom/md5', '/file', '/patient', '/study', '/series'])
    await get(one + page);
  for (const path of [
    `/studies/${ParentStudy}/series`,
    `/instances/${report}/metadata?expand`,
    `/instances/${frames}/frames`,
  ])
    await get(path);
  for (const page of [
    '',
    '/labels',
    '/labels/x',
    '/metadata',
    '/metadata/Radiograph',
    '/simplified-tags',
    '/file',
  ])
    await get(`/instances/${missing}${page}`);
  for (const page of ['/attachments/dicom/info', '/attachments/dicom/md5', '/frames/0/rendered'])
    await get(`/instances/${missing}${page}`);
}

async function labels(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { get, recorder } = context;
  const { ID, ParentStudy } = stored;
  const one = `/instances/${ID}`;
  recorder.title('Labels');
  for (const label of ['knee_ap', 'knee_ap', 'a-label', 'no%20label'])
    await recorder.call('PUT', `${one}/labels/${label}`, { body: '' });
  for (const page of ['/labels', '/labels/knee_ap', '/labels/other']) await get(one + page);
  for (const label of ['other', 'a-label']) await recorder.call('DELETE', `${one}/labels/${label}`);
  await recorder.call('PUT', `/studies/${ParentStudy}/labels/seen`, { body: '' });
  for (const method of ['PUT', 'DELETE']) await recorder.call(method, `/instances/${missing}/labels/x`);
}

async function metadata(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { get, recorder } = context;
  const { ID, ParentSeries } = stored;
  const one = `/instances/${ID}`;
  recorder.title('Metadata');
  const put = (name: string, body: string, headers = {}) =>
    recorder.call('PUT', `${one}/metadata/${name}`, { body, headers });
  const remove = (name: string, headers = {}) =>
    recorder.call('DELETE', `${one}/metadata/${name}`, { headers });
  await get(`${one}/metadata/Radiograph`);
  // Creates only: no value has this revision.
  const ofNothing = { 'if-match': `"0-${'0'.repeat(32)}"` };
  for (const body of ['created', 'not created']) await put('Radiograph', body, ofNothing);
  await remove('Radiograph');
  await put('Radiograph', 'one');
  const { etag } = await get(`${one}/metadata/5101`);
  await get(`${one}/metadata/Radiograph`, { 'if-none-match': etag });
  await put('Radiograph', 'zwei: Ü');
  await put('Radiograph', 'three', { 'if-match': etag });
  await put('Radiograph', 'three', { 'if-match': '"0"' });
  await remove('Radiograph', { 'if-match': etag });
  await get(`${one}/metadata/Radiograph`);
  await remove('RadiographCategory');
  await put('1050', '');
  await get(`${one}/metadata/1050`);
  await remove('1050');
  await get(`${one}/metadata/Undeclared`);
  await put('Undeclared', 'x');
  await put('ReceptionDate', 'x');
  await remove('ReceptionDate');
  for (const method of ['PUT', 'DELETE'])
    await recorder.call(
      method,
      `/instances/${missing}/metadata/Radiograph`,
      method === 'PUT' ? { body: 'x' } : {},
    );
  await recorder.call('PUT', `/series/${ParentSeries}/metadata/Radiograph`, { body: '{}' });
  await get('/changes?since=14');
}

async function attachments(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { get, recorder } = context;
  const { ID, ParentPatient } = stored;
  const one = `/instances/${ID}`;
  recorder.title('Attachments and protection');
  await recorder.call('PUT', `${one}/attachments/1040`, { body: 'attached' });
  await recorder.call('PUT', `${one}/attachments/dicom`, { body: 'attached' });
  for (const page of ['', '?full', '/1040/info', '/1040/data', '/1041/data', '/nope/data'])
    await get(`${one}/attachments${page}`);
  await recorder.call('DELETE', `${one}/attachments/1040`);
  for (const body of ['1', '0']) {
    await recorder.call('PUT', `/patients/${ParentPatient}/protected`, { body });
    await get(`/patients/${ParentPatient}/protected`);
  }
}

async function rendering(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { get, recorder } = context;
  const { ID, inverted, frames, colour, truncated, report } = stored;
  const one = `/instances/${ID}`;
  recorder.title('Rendering');
  const pam = { accept: 'image/x-portable-arbitrarymap, image/png;q=0.5' };
  for (const id of [ID, inverted, frames, colour]) await get(`/instances/${id}/frames/0/rendered`, pam);
  await get(`/instances/${frames}/frames/1/rendered`, pam);
  for (const id of [ID, inverted, frames]) await get(`/instances/${id}/frames/0/image-uint16`, pam);
  await get(`/instances/${frames}/frames/9/image-uint16`, pam);
  await get(`${one}/rendered`, pam);
  await get(`${one}/frames/0/rendered?window-center=500&window-width=1000`, pam);
  await get(`${one}/frames/0/rendered?width=2&height=2`, pam);
  for (const size of ['width=2&height=2', 'width=20&height=20'])
    await get(`/instances/${frames}/frames/0/rendered?${size}`, pam);
  for (const accept of ['image/png', '*/*', 'image/jpeg', 'text/html'])
    await get(`${one}/frames/0/rendered`, { accept });
  await get(`${one}/frames/0/rendered?width=3&height=2&smooth=1&quality=80`, { accept: 'image/jpeg' });
  for (const frame of ['1', 'x']) await get(`${one}/frames/${frame}/rendered`, pam);
  for (const id of [report, truncated]) await get(`/instances/${id}/frames/0/rendered`, pam);
}

async function elements(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { get, recorder } = context;
  recorder.title('Elements of files');
  const one = `/instances/${stored.ID}`;
  for (const tag of ['', '/0010-0010', '/0008-0005', '/0008-0050', '/0010-0030', '/0010-0021', '/0040-0275'])
    await get(`${one}/content${tag}`);
  for (const tag of ['', '/0010-0010']) await get(`/instances/${missing}/content${tag}`);
  const { ID } = await store(recorder, 'behindPixels');
  for (const page of ['/tags?short', '/simplified-tags', '/content']) await get(`/instances/${ID}${page}`);
  await recorder.call('DELETE', `/instances/${ID}`);
}

async function making(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { post, recorder } = context;
  const { ID } = stored;
  const one = `/instances/${ID}`;
  recorder.title('Making and changing files');
  const sequence = [{ CodeValue: '1', CodeMeaning: 'Höhe' }];
  const changed = { Replace: { '0018,5101': 'AP', ViewCodeSequence: sequence }, Remove: ['0018,0015'] };
  await post(`${one}/modify`, { ...changed, Keep: ['SOPInstanceUID'], Force: true });
  for (const body of [
    { Replace: { PatientID: 'x' } },
    { Replace: { NopeTag: 'x' } },
    { Keep: ['SOPInstanceUID'] },
  ])
    await post(`${one}/modify`, body);
  const { ID: madeId } = await store(recorder, 'made');
  await post('/tools/find', {
    Level: 'Instance',
    Query: { SOPInstanceUID: '2.25.77' },
    ResponseContent: ['Labels'],
    RequestedTags: [
      ...['StudyInstanceUID', 'PatientID', 'PatientName', 'Modality'],
      ...['ContentTemplateSequence', 'PerformedProcedureCodeSequence', 'ContentSequence'],
    ],
  });
  for (let twice = 0; twice < 2; twice++) await recorder.call('DELETE', `/instances/${madeId}`);
}

async function sending(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { get, post, recorder } = context;
  const { ID } = stored;
  recorder.title('Sending');
  for (const path of ['/peers/nope/store', '/modalities/nope/store', '/modalities/nope/echo'])
    await post(path, { Resources: [ID] });
  await get('/peers/nope/system');
}

async function deleting(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { get, recorder } = context;
  const { ParentStudy, report } = stored;
  recorder.title('Deleting');
  for (const id of [report, report]) await recorder.call('DELETE', `/instances/${id}`);
  for (const path of ['/series', '/changes?since=12']) await get(path);
  await recorder.call('DELETE', `/studies/${ParentStudy}`);
  for (const path of ['/patients', '/changes', '/changes?last']) await get(path);
}
