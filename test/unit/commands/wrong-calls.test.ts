import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { shipped } from '../../../src/files/places.js';
import { runInProcess } from '../../../testkit/command-line.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrong-calls-'));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(() => {
  vi.unstubAllEnvs();
});

describe('a command that does not exist, or has no such option', () => {
  test.each([
    [[], /Usage: plainview/],
    [['nope'], /unknown command 'nope'/],
    [['find', '--nope'], /unknown option '--nope'/],
    [
      ['find', '--category', 'knee_ap', '--category', 'knie_*'],
      /there is no category knie_\*; there are abdomen_ap/,
    ],
    [['find', '--station', 'ROOM1', '--station', 'ROOM2'], /--station is given twice: give it once/],
    [
      ['find', '--all', '--columns', 'PatientName'],
      /PatientName: it is not among those that identify nobody/,
    ],
    [['find', '--all', '--identifying', '--columns', '0010,0010'], /keywords, for example StationName/],
    [['find', '--all', '--columns', 'KVP', 'KVP'], /KVP: it is given twice/],
    [['find', '--all', '--identifying', '--columns', 'ViewCodeSequence'], /a sequence does not fit/],
    [['find', '--all', '--format', 'xlsx'], /Allowed choices are csv, tsv, jsonl, parquet/],
    [['find', '--all', '--format', 'parquet'], /--format parquet needs --out/],
    [['find', '--all', '--csv', '/nowhere/a', '--format', 'tsv'], /--csv is --format csv with --out/],
    [['find', '--all', '--as', 'png'], /--as png needs --copy/],
    [['find', '--all', '--as', 'png', '--copy', '/nowhere'], /pseudonyms need a secret/],
    [
      ['find', '--all', '--as', 'png', '--copy', '/nowhere', '--identifying'],
      /--identifying does not go with/,
    ],
    [['find', '--all', '--copy', '/nowhere', '--key-file', '/nowhere'], /--key-file needs --as png/],
    [['reclassify', '--label', 'a', '--label', 'b'], /--label is given twice: give it once/],
    [['sweep', '--order', 'random'], /Allowed choices are newest, oldest/],
    [['rules', 'test'], /'--instance <id...>' not specified/],
  ])('plainview %j: says why, and ends with 2', async (args, sentence) => {
    const { status, stdout, stderr } = await runInProcess(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
  });
});

describe('plainview label', () => {
  test.each([
    ['no picture', [], /missing required argument 'image'/],
    ['an unknown option', ['--no-such', 'a.png'], /unknown option '--no-such'/],
    ['an unknown engine', ['--engine', 'abacus', 'a.png'], /abacus/],
    ['an unknown precision', ['--precision', 'int4', 'a.png'], /int4/],
    ['a size that is no number', ['--input_height', 'tall', 'a.png'], /input_height/],
    ['a threshold beyond 1', ['--threshold', '80', 'a.png'], /threshold/],
    ['a graph that is not there', ['--graph', '/nowhere/network.pb', 'a.png'], /nowhere/],
    [
      'a file of another program',
      ['--graph', '/nowhere/model.keras', 'a.png'],
      /Keras file.*docs\/own-network\.md/,
    ],
    [
      'names beside an ONNX file, which has its own',
      ['--graph', shipped('testkit', 'onnx', 'keras.onnx'), 'a.png'],
      /keras\.json: leave out .*classes\.txt/,
    ],
  ])('%s: says so and ends with 2', async (_, args, sentence) => {
    const labels = shipped('model', 'classes.txt');
    const { status, stdout, stderr } = await runInProcess('label', '--labels', labels, ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toContain('    at ');
  });
});

describe('plainview evaluate', () => {
  test.each([
    [
      'a labels file without the column',
      'path,label\na.png,knee_ap\n',
      [],
      /line 1: there is no column "file"/,
    ],
    ['a picture without a label', 'file,label\na.png,\n', [], /line 2, column "label": it is empty/],
    [
      'a picture named twice',
      'file,label\na.png,knee_ap\nb.png,knee_ap\na.png,chest_pa_ap\n',
      [],
      /line 4, column "file": a\.png is named already in line 2/,
    ],
    ['a column to break down by that is not there', 'file,label\n', ['--by', 'site'], /no column "site"/],
    ['a place where no report can be', 'file,label\n', ['--json', '/nowhere/report.json'], /nowhere/],
  ])('%s: says so, writes nothing and ends with 2', async (_, content, args, sentence) => {
    const labels = join(folder, 'labels.csv');
    await writeFile(labels, content);
    const report = ['--json', join(folder, 'report.json'), '--html', join(folder, 'report.html')];
    const { status, stdout, stderr } = await runInProcess('evaluate', labels, ...report, ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toContain('    at ');
    expect(await readdir(folder)).toEqual(['labels.csv']);
  });

  test.each([
    ['nothing at all', [], /labels file or a folder, or --orthanc/],
    ['a folder that is not there', ['/nowhere/pictures'], /nowhere/],
    ['a network that is not there', ['LABELS', '--network', '/nowhere/network.pb'], /nowhere/],
    [
      'names for a second network that is not named',
      ['LABELS', '--against-classes', 'classes.txt'],
      /--against/,
    ],
    ['a threshold beyond 1', ['LABELS', '--threshold', '80'], /threshold/],
    ['a query without an Orthanc', ['LABELS', '--query', 'StationName=ROOM1'], /--orthanc/],
  ])('%s: says so and ends with 2', async (_, args, sentence) => {
    const labels = join(folder, 'labels.csv');
    await writeFile(labels, 'file,label\na.png,knee_ap\n');
    const given = args.map((arg) => (arg === 'LABELS' ? labels : arg));
    const { status, stdout, stderr } = await runInProcess('evaluate', ...given);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toContain('    at ');
  });
});

test.each([
  ['nothing to do', ['reclassify'], /give a condition/],
  [
    'what goes with no identifier',
    ['reclassify', '1.2', '--from', '2026-01-01'],
    /from: does not go with identifiers/,
  ],
  ['what is no identifier', ['reclassify', '1.2', '../system'], /\.\.\/system is neither .* nor a DICOM UID/],
])('%s is wrongly called', async (_what, args, sentence) => {
  vi.stubEnv('PLAINVIEW_SECRET', 'shared with Orthanc');
  const { status, stderr } = await runInProcess(...args);
  expect(status).toBe(2);
  expect(stderr).toMatch(sentence);
});

test('a sweep without a service says so', async () => {
  vi.stubEnv('PLAINVIEW_SECRET', 'shared with Orthanc');
  vi.stubEnv('PLAINVIEW_PORT', '9');
  const { status, stderr } = await runInProcess('sweep');
  expect(status).toBe(1);
  expect(stderr).toContain('Check that it runs');
});
