import { uid } from '../dicom.js';
import { missing, series, study } from './files.js';
import type { ScriptContext, StoredFiles } from './script-context.js';

export async function finding(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { post, recorder } = context;
  const { ParentStudy } = stored;
  recorder.title('Finding');
  const uids = [uid('conformance windowed'), uid('conformance report')].join('\\');
  const queries: object[] = [
    { Level: 'Instance', Query: {} },
    { Level: 'Instance', Query: {}, Since: 1, Limit: 2 },
    { Level: 'Instance', Query: {}, Limit: 0 },
    { Level: 'Instance', Query: {}, Labels: ['knee_ap'] },
    { Level: 'Instance', Query: {}, Labels: ['knee_ap', 'other'] },
    { Level: 'Instance', Query: {}, Labels: ['knee_ap', 'other'], LabelsConstraint: 'Any' },
    { Level: 'Instance', Query: {}, Labels: ['knee_ap', 'other'], LabelsConstraint: 'None' },
    { Level: 'Instance', Query: {}, Labels: ['seen'] },
    { Level: 'Study', Query: {}, Labels: ['seen'], LabelsConstraint: 'Any', Expand: true },
    {
      Level: 'Study',
      Query: {},
      Labels: ['seen'],
      OrderBy: [{ Type: 'Metadata', Key: 'LastUpdate', Direction: 'DESC' }],
    },
    { Level: 'Series', Query: { Modality: 'SR\\CR' }, Expand: true },
    { Level: 'Series', Query: { Modality: 'DX' }, Expand: true, Short: true },
    { Level: 'Patient', Query: { PatientID: 'conformance' }, Expand: true },
    { Level: 'Patient', Query: { PatientID: 'conformance' }, CaseSensitive: true },
    { Level: 'Study', Query: { PatientName: 'm*' } },
    { Level: 'Study', Query: { StudyDate: '20230101-20250101' } },
    { Level: 'Study', Query: { StudyDate: '-20230101' } },
    { Level: 'Study', Query: { StudyDate: '20240101-' } },
    {
      Level: 'Study',
      Query: { ModalitiesInStudy: 'SR' },
      Expand: true,
      RequestedTags: ['ModalitiesInStudy'],
    },
    { Level: 'Instance', Query: { Modality: '' } },
    { Level: 'Instance', Query: { BodyPartExamined: 'chest' } },
    { Level: 'Instance', Query: { Rows: '3' } },
    { Level: 'Instance', Query: { '0008,0060': 'SR' } },
    { Level: 'Series', Query: { StudyDescription: 'Thorax*' } },
    { Level: 'Series', Query: {}, ParentStudy },
    { Level: 'Instance', Query: { SOPInstanceUID: uids }, ResponseContent: [] },
    {
      Level: 'Instance',
      Query: { SOPInstanceUID: uids },
      ResponseContent: ['MainDicomTags', 'Metadata', 'Labels', 'Parent'],
      RequestedTags: [
        'StudyInstanceUID',
        'Modality',
        'StudyDescription',
        'Rows',
        'AccessionNumber',
        'RequestAttributesSequence',
      ],
    },
    {
      Level: 'Study',
      Query: {},
      ResponseContent: ['MainDicomTags', 'Parent', 'Children', 'Attachments', 'Status'],
    },
    { Level: 'Series', Query: {}, ResponseContent: ['Status', 'Metadata'] },
    {
      Level: 'Instance',
      Query: {},
      OrderBy: [{ Type: 'DicomTag', Key: 'SOPInstanceUID', Direction: 'DESC' }],
    },
    { Level: 'Series', Query: {}, OrderBy: [{ Type: 'DicomTag', Key: 'Modality', Direction: 'DESC' }] },
    { Level: 'Instance', Query: { NopeTag: 'x' } },
    { Level: 'Instance', Query: {}, Expand: true, RequestedTags: ['NopeTag'] },
    { Level: 'Instance', Query: { Modality: 5 } },
    { Level: 'Instance', Query: {}, ResponseContent: ['Nope'] },
    { Level: 'Instance', Query: {}, OrderBy: [{ Type: 'Nope', Key: 'x', Direction: 'ASC' }] },
    { Level: 'Instance', Query: {}, Labels: 'x' },
    { Level: 'Instance', Query: {}, Labels: ['x'], LabelsConstraint: 'Nope' },
    { Level: 'Nope', Query: {} },
    { Query: {} },
    { Level: 'Instance' },
  ];
  for (const query of queries) await post('/tools/find', query);
  await post('/tools/find', 'no JSON');
  await post('/tools/count-resources', { Level: 'Instance', Query: {}, Labels: ['knee_ap'] });
  await post('/tools/count-resources', {
    Level: 'Study',
    Query: {},
    Labels: ['seen'],
    LabelsConstraint: 'All',
  });
  await post('/tools/count-resources', { Level: 'Series', Query: { Modality: 'DX\\CR' } });
  for (const identifier of [
    study.studyInstanceUid,
    series.seriesInstanceUid,
    'conformance',
    'ACC1',
    'nobody',
  ])
    await post('/tools/lookup', identifier);
}

export async function bulk(context: ScriptContext, stored: StoredFiles): Promise<void> {
  const { post, recorder } = context;
  const { ID, ParentSeries, ParentStudy, report } = stored;
  recorder.title('Many resources at once');
  for (const Level of ['Instance', 'Series', 'Study', 'Patient'])
    await post('/tools/bulk-content', { Resources: [ID, report], Level, Metadata: true, Short: true });
  for (const Level of ['Instance', 'Series'])
    await post('/tools/bulk-content', { Resources: [ParentStudy], Level });
  await post('/tools/bulk-content', { Resources: [ID, ID, missing, ParentSeries], Metadata: false });
  await post('/tools/bulk-content', { Resources: [] });
  await post('/tools/bulk-content', {});
}
