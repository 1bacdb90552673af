import { describe, expect, it } from 'vitest';
import { defaultThresholds } from '../../../src/classify/network.js';
import { createError } from '../../../src/errors/errors.js';
import type { LabelledPicture } from '../../../src/evaluate/ground-truth.js';
import { reportPage } from '../../../src/evaluate/html/page.js';
import { reportOf } from '../../../src/evaluate/report.js';
import { evaluated } from '../../../testkit/evaluate.js';

const wrong = evaluated('knee_ap', 'hand_ap', 0.97);
const evil = { id: '"><script>alert(1)</script>.png', label: "knee_ap' onload='x" };
const all = [
  evaluated('knee_ap', 'knee_ap'),
  wrong,
  evaluated('hand_ap', 'hand_ap'),
  { ...evaluated('other', 'knee_ap', 0.96), picture: evil },
];

function page({
  pictures = all,
  thumbnails,
}: {
  pictures?: typeof all;
  thumbnails?: ReadonlyMap<string, string>;
} = {}): string {
  const missing: LabelledPicture = { id: 'gone.png', label: 'knee_ap' };
  const report = reportOf({
    truth: {
      name: '<b>labels.csv',
      pictures: [...pictures.map(({ picture }) => picture), missing],
      read: () => Promise.reject(new Error('not in this test')),
      warnings: [],
    },
    run: {
      results: [pictures],
      unread: [{ picture: missing, error: createError('file_unreadable', { problem: 'it is not there' }) }],
    },
    classifiers: [
      {
        network: {
          name: 'knees & hands',
          sha256: 'c'.repeat(64),
          purpose: 'research',
          classes: ['knee_ap', 'hand_ap'],
          thresholds: defaultThresholds,
        },
        engine: { engine: 'wasm', device: 'cpu', declined: [] },
      },
    ],
    plainview: '1.2.3',
    when: new Date('2026-01-02T03:04:05Z'),
    by: undefined,
    worst: 10,
  });
  return reportPage(report, thumbnails);
}

describe('the page', () => {
  it('names network, data and date', () => {
    const text = page();
    for (const said of [
      'knees &amp; hands, evaluated on 5 pictures',
      'c'.repeat(64),
      'threshold 0.8, margin 0.1, unknown below 0.4',
      '2026-01-02 03:04 UTC, Plainview 1.2.3',
      'for evaluation and research only',
      'Fewer than 20 pictures',
      'gone.png</code>: The file cannot be read',
    ])
      expect(text).toContain(said);
  });

  it('loads nothing and runs no script', () => {
    const text = page({ thumbnails: new Map([[wrong.picture.id, 'data:image/jpeg;base64,AAAA']]) });
    expect(text).toContain(`content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"`);
    expect(text).not.toMatch(
      /<(script|link|iframe|object|embed|base)\b|\bsrc="(?!data:)|\bhref=|url\(|@import/,
    );
  });

  it('escapes names of files, labels and data', () => {
    const text = page();
    expect(text).not.toContain('<script');
    expect(text).not.toContain('<b>labels');
    expect(text).not.toContain("' onload='");
    expect(text).toContain('&quot;&gt;&lt;script&gt;');
  });

  it('holds the given pictures, and warns that they are patient data', () => {
    const text = page({ thumbnails: new Map([[wrong.picture.id, 'data:image/jpeg;base64,AAAA']]) });
    expect(text.match(/<img /g)).toHaveLength(1);
    expect(text).toContain('pictures of patients');
  });

  it('shows no pictures without thumbnails', () => {
    const text = page();
    expect(text).not.toContain('<img ');
    expect(text).not.toContain('pictures of patients');
    expect(text).toContain('labelled <b>');
  });

  it('can show a network without errors, and a single picture', () => {
    expect(page({ pictures: [evaluated('knee_ap', 'knee_ap')] })).toContain('<p>None.</p>');
    expect(page({ pictures: [evaluated('knee_ap', 'knee_ap')] })).not.toMatch(/NaN|undefined|Infinity/);
    expect(page()).not.toMatch(/NaN|undefined|Infinity/);
  });
});
