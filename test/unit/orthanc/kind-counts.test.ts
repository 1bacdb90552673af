import { expect, test } from 'vitest';
import { KindCounts } from '../../../src/orthanc/kind-counts.js';

test('counts by kind, and tells the first of each', () => {
  const counts = new KindCounts();
  expect(counts.count(['CT'])).toEqual({ kind: 'CT', isFirst: true });
  expect(counts.count(['CT', 'MR'])).toEqual({ kind: 'CT', isFirst: false });
  expect(counts.count([])).toEqual({ kind: 'none', isFirst: true });
  expect(counts.all).toEqual({ CT: 2, none: 1 });
});

test('what a file invents makes no more names than a limit, and none that is no code', () => {
  const counts = new KindCounts();
  expect(counts.count(['<script>'])).toEqual({ kind: 'other', isFirst: true });
  for (let n = 0; n < 1000; n++) counts.count([`X${n}`]);
  expect(Object.keys(counts.all).length).toBeLessThanOrEqual(65);
  expect(counts.count(['X0']).kind).toBe('X0');
  expect(counts.count(['X999']).kind).toBe('other');
});
