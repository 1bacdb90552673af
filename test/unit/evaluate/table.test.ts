import { describe, expect, it } from 'vitest';
import { readTable } from '../../../src/evaluate/table.js';

const read = (content: string | Buffer) =>
  readTable('labels.csv', Buffer.from(content as string), ['file', 'label']);

describe('a table', () => {
  it.each([
    ['commas', 'file,label\na b.png,knee_ap\n'],
    ['tabs', 'file\tlabel\na b.png\tknee_ap\n'],
    ['semicolons, as spreadsheets in Europe write them', 'file;label\na b.png;knee_ap\n'],
    ["a spreadsheet's byte order mark and line ends", '\ufefffile,label\r\na b.png,knee_ap\r\n'],
    [
      'quotation marks, blanks, empty lines and further columns',
      '\nid, label, file\n\n1, "knee_ap", "a b.png"',
    ],
  ])('is read with %s', (_, text) => {
    const { rows } = read(text);
    expect(rows.map((row) => [row.required('file'), row.required('label')])).toEqual([
      ['a b.png', 'knee_ap'],
    ]);
  });

  it('keeps a delimiter and a line end within quotation marks', () => {
    const [row] = read('file,label\n"a,\n""b"".png",knee_ap\n').rows;
    expect(row?.required('file')).toBe('a,\n"b".png');
  });

  it('takes a quotation mark for itself where tabs separate, as TSV has none; empty lines may come first', () => {
    const { rows } = read('\nfile\tlabel\n"a", 6" b.png\tknee_ap\n"c.png\thand_ap\n');
    expect(rows.map((row) => [row.required('file'), row.required('label')])).toEqual([
      ['"a", 6" b.png', 'knee_ap'],
      ['"c.png', 'hand_ap'],
    ]);
  });

  it.each([
    ['nothing', '', /labels\.csv, line 1: the file is empty/],
    ['another column', 'path,label\na,b\n', /line 1: there is no column "file"; there are: path, label/],
    ['a column twice', 'file,label,file\n', /line 1: the column "file" is there twice/],
    ['a field too few', 'file,label\na,b\nc\n', /line 3: it has more or fewer columns/],
    ['a field too many', 'file,label\na,b,c\n', /line 2: it has more or fewer columns/],
    ['a quotation mark left open', 'file,label\n"a,b\nc,d\n', /a quotation mark before it is never closed/],
    ['a quotation mark inside a field', 'file,label\na"b,c\n', /line 2: a quotation mark stands/],
    ['another encoding', Buffer.from('file,label\nhüfte.png,x\n', 'latin1'), /line 1: the file is not UTF-8/],
  ])('with %s is refused, with its place', (_, content, sentence) => {
    expect(() => read(content)).toThrow(sentence);
  });

  it('names line and column of an empty field', () => {
    const [, row] = read('file,label\na,b\nc,\n').rows;
    expect(() => row?.required('label')).toThrow('labels.csv, line 3, column "label": it is empty.');
  });
});
