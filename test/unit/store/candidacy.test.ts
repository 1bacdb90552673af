import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';
import { Candidacy } from '../../../src/store/postgresql/candidacy.js';

let lines: string[] = [];
const log = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line).msg) });
beforeEach(() => {
  lines = [];
});
const able = (mayLead = true) => {
  const candidacy = new Candidacy({ mayLead, giveUpMs: 0, log });
  candidacy.reachesOrthanc(true);
  return candidacy;
};

test('a process can lead where it may, and reaches Orthanc', () => {
  expect(new Candidacy({ mayLead: true, log }).canLead).toBe(false);
  expect(able().canLead).toBe(true);
  expect(able(false).canLead).toBe(false);
});

test.each([3_600_000, -3_600_000])(
  'a clock that is %i ms off is told once, and once that it is right',
  (ms) => {
    const candidacy = able();
    const compare = (off: number) => candidacy.compareClocks(off, { asked: 0, answered: 10 });
    compare(0);
    expect(candidacy.canLead).toBe(true);
    compare(ms);
    compare(ms);
    expect(candidacy.canLead).toBe(false);
    compare(0);
    expect(candidacy.canLead).toBe(true);
    expect(lines).toEqual([
      expect.stringContaining('the clock of this machine differs'),
      'the clock of this machine agrees with that of the database again',
    ]);
  },
);

test('an answer that took long does not count as a clock that is off', () => {
  const candidacy = able();
  candidacy.compareClocks(1000, { asked: 1000, answered: 100_000 });
  candidacy.compareClocks(100_000, { asked: 1000, answered: 100_000 });
  expect(candidacy.canLead).toBe(true);
});

test('a leader gives up where it cannot lead and another one can, and says why', () => {
  const candidacy = able();
  expect(candidacy.whyGiveUp(true)).toBeUndefined();
  candidacy.reachesOrthanc(false);
  expect(candidacy.whyGiveUp(false)).toBeUndefined();
  expect(candidacy.whyGiveUp(true)?.message).toContain('does not reach Orthanc');
  candidacy.compareClocks(3_600_000, { asked: 0, answered: 0 });
  expect(candidacy.whyGiveUp(true)?.message).toContain('has a clock that differs');
});
