import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { expect, test } from 'vitest';
import { attributeColumns, harmlessAttributes, shownValue } from '../../../src/select/attributes.js';
import { type Column, linesOf, writeParquet } from '../../../src/select/table.js';

interface Row {
  name?: string;
  score?: number;
}
const columns: Column<Row>[] = [
  { name: 'name', type: 'STRING', value: ({ name }) => name },
  { name: 'score', type: 'DOUBLE', value: ({ score }) => score },
];
async function* from<T>(rows: Iterable<T>): AsyncGenerator<T> {
  yield* rows;
}
const rows: Row[] = [{ name: 'a\tb\r\n"c"', score: -0.5 }, {}, { name: '=1+1' }];

async function lines(format: 'csv' | 'tsv' | 'jsonl'): Promise<string[]> {
  const all: string[] = [];
  for await (const line of linesOf(format, columns, from(rows))) all.push(line);
  return all;
}

test('CSV quotes, TSV has as many tabs in each line, JSON leaves out what is missing', async () => {
  expect(await lines('csv')).toEqual(['name,score', '"a\tb\r\n""c""",-0.5', ',', "'=1+1,"]);
  expect(await lines('tsv')).toEqual(['name\tscore', 'a b "c"\t-0.5', '\t', "'=1+1\t"]);
  expect((await lines('jsonl')).map((line) => JSON.parse(line))).toEqual(rows);
});

test('Parquet is written in parts, into the file that is there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parquet-'));
  const file = join(folder, 'a.parquet');
  const handle = await open(file, 'w', 0o600);
  const many = Array.from({ length: 25_000 }, (_, i) => ({ name: `é${i}`, ...(i % 2 ? { score: i } : {}) }));
  await writeParquet(file, columns, from(many));
  expect((await handle.stat()).mode & 0o777).toBe(0o600);
  await handle.close();
  const read = await parquetReadObjects({ file: new Uint8Array(await readFile(file)).buffer });
  await rm(folder, { recursive: true });
  expect(read).toHaveLength(25_000);
  expect([read[0], read.at(-1)]).toEqual([
    { name: 'é0', score: null },
    { name: 'é24999', score: 24_999 },
  ]);
});

test('no attribute that identifies a person is allowed without a flag', () => {
  const identifying =
    /Patient(Name|ID|BirthDate|Address|Comments)|Accession|Physician|Operator|UID$|Date|Time$|Serial|Description|Comment/;
  expect(harmlessAttributes.filter((name) => identifying.test(name))).toEqual([
    'ExposureTime',
    'SOPClassUID',
  ]);
  for (const keyword of ['PatientName', 'patientname', 'StudyDate', 'SOPInstanceUID', 'AccessionNumber'])
    expect(() => attributeColumns([keyword], false)).toThrow(`--columns ${keyword}`);
  expect(attributeColumns(['PatientName', 'KVP'], true).map(({ type }) => type)).toEqual([
    'STRING',
    'DOUBLE',
  ]);
});

test('a number that is none is missing, and an age of 90 years or more is not shown', () => {
  const [kvp, age] = attributeColumns(['KVP', 'PatientAge'], false);
  if (kvp === undefined || age === undefined) throw new Error('no columns');
  expect(['70.50', '70\\80', undefined].map((text) => shownValue(kvp, text, false))).toEqual([
    70.5,
    undefined,
    undefined,
  ]);
  expect(['089Y', '090Y', '113Y', '11M'].map((text) => shownValue(age, text, false))).toEqual([
    '089Y',
    '090Y',
    '090Y',
    '11M',
  ]);
  expect(shownValue(age, '113Y', true)).toBe('113Y');
});
