import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Categories, codedCategories } from '../../../src/anatomy/categories.js';
import { shipped } from '../../../src/files/places.js';
import { python } from '../../../testkit/python.js';

const categories = Categories.read();

test('every category of NNCPR has codes, in its order', () => {
  const names = readFileSync(shipped('model', 'nncpr-classes.txt'), 'utf8').trim().split('\n');
  expect(codedCategories).toEqual(names);
});

test('a category that merges PA and AP, or does not determine the side, has no view position', () => {
  for (const category of codedCategories.filter((name) => /lateral$|oblique|chest/.test(name)))
    expect(categories.codesOf(category)?.viewPosition, category).toBeUndefined();
});

test('a name that is not a category has no codes', () => {
  expect(categories.codesOf('other')).toBeUndefined();
  expect(categories.codesOf('constructor')).toBeUndefined();
});

const further = categories.names.filter((name) => !codedCategories.includes(name));

/** PS3.16 2023b, table L-1: what the terms of Body Part Examined stand for (SCT), of those that the views use. */
const annexL: Readonly<Record<string, string>> = {
  ABDOMEN: '818981001',
  ACJOINT: '85856004',
  ANKLE: '70258002',
  CALCANEUS: '80144004',
  CHEST: '816094009',
  CLAVICLE: '51299004',
  COCCYX: '64688005',
  CSPINE: '122494005',
  CTSPINE: '1217257000',
  ELBOW: '16953009',
  FEMUR: '71341001',
  FINGER: '7569003',
  FOOT: '56459004',
  FOREARM: '14975008',
  HAND: '85562004',
  HEAD: '69536005',
  HIP: '24136001',
  HUMERUS: '85050009',
  JAW: '661005',
  KNEE: '72696002',
  LOWERLEG: '30021000',
  LOWERLIMB: '61685007',
  LSPINE: '122496007',
  LSSPINE: '1217253001',
  MANDIBLE: '91609006',
  MASTOID: '59066005',
  NECK: '45048000',
  OPTICCANAL: '55024004',
  ORBIT: '363654007',
  PATELLA: '64234005',
  PELVIS: '816092008',
  RIB: '113197003',
  SCAPULA: '79601000',
  SCJOINT: '7844006',
  SESAMOID: '58742003',
  SHOULDER: '16982005',
  SIJOINT: '39723000',
  SKULL: '89546000',
  SPINE: '421060004',
  SSPINE: '54735007',
  STERNUM: '56873002',
  THUMB: '76505004',
  TLSPINE: '1217256009',
  TMJ: '53620006',
  TOE: '29707007',
  TRACHEA: '44567001',
  TSPINE: '122495006',
  WRIST: '74670003',
  ZYGOMA: '13881006',
  // Annex L has the terms FACE (Face) and NOSE (Nose), but none for these bones, which are what CID 4009 has.
  FACE: '91397008',
  NOSE: '74386004',
};

describe('the further standard views', () => {
  test('are at least sixty, and their names are labels that a prefix of 24 characters fits', () => {
    expect(further.length).toBeGreaterThanOrEqual(60);
    for (const name of further) expect(name).toMatch(/^[a-z][a-z0-9_]{1,39}$/);
  });

  test('are different views: no two names, of these and the 30, have the same codes', () => {
    const names = new Map<string, string>();
    for (const name of categories.names) {
      const codes = categories.codesOf(name);
      const { region, view, viewModifier, eponym, patientOrientationModifier, part, projection } =
        codes ?? {};
      const coded = [region, view, viewModifier, eponym, patientOrientationModifier].map(
        (code) => code?.value,
      );
      const key = [...coded, part, projection].join(' ');
      expect([name, names.get(key)]).toEqual([name, undefined]);
      names.set(key, name);
    }
  });

  test('have the body part and the region of annex L together', () => {
    for (const name of categories.names) {
      const { bodyPartExamined = '', region } = categories.codesOf(name) ?? {};
      expect([name, bodyPartExamined, region?.value]).toEqual([
        name,
        bodyPartExamined,
        annexL[bodyPartExamined],
      ]);
    }
  });

  test('have a view position only where they determine it', () => {
    const given = further.flatMap((name) => categories.codesOf(name)?.viewPosition ?? []);
    expect([...new Set(given)].sort()).toEqual(['AP', 'PA', 'RLD']);
    for (const name of further.filter((each) => /lateral|oblique/.test(each) && !each.includes('decubitus')))
      expect(categories.codesOf(name)?.viewPosition, name).toBeUndefined();
  });
});

const hasPydicom = spawnSync(python(), ['-c', 'import pydicom.sr.codedict']).status === 0;

test.skipIf(!hasPydicom)('every code and meaning is in its context group, as pydicom has it', () => {
  const groups = {
    region: 4009,
    view: 4010,
    viewModifier: 4011,
    eponym: 4012,
    patientOrientationModifier: 20,
  };
  const script = `
import json, sys
from pydicom.sr.codedict import codes
groups = {}
for cid in json.load(sys.stdin):
    group = getattr(codes, 'cid%d' % cid)
    groups[cid] = [[c.value, c.scheme_designator, c.meaning] for c in (getattr(group, name) for name in group.dir())]
print(json.dumps(groups))`;
  const answer = execFileSync(python(), ['-c', script], { input: JSON.stringify(Object.values(groups)) });
  const known = z.record(z.string(), z.array(z.array(z.string()))).parse(JSON.parse(answer.toString()));
  for (const name of categories.names)
    for (const [field, cid] of Object.entries(groups)) {
      const code = categories.codesOf(name)?.[field as keyof typeof groups];
      if (code !== undefined)
        expect(known[cid], `${name} ${field}`).toContainEqual([code.value, code.scheme, code.meaning]);
    }
});
