import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Categories } from '../../../src/anatomy/categories.js';
import { explorer2, explorer2Files, explorer2Text } from '../../../src/commands/explorer2-configuration.js';
import { metadataNames } from '../../../src/decisions/schema.js';
import { shipped } from '../../../src/files/places.js';

const categories = Categories.read();
const file = (path: string) => readFileSync(shipped(path), 'utf8');
const optionsOf = (plugin: boolean, labelPrefix = '') =>
  explorer2({ plugin, labelPrefix, categories }).OrthancExplorer2.UiOptions;

test.each(Object.entries(explorer2Files))('orthanc/%s is up to date (else: npm run docs)', (name, plugin) => {
  expect(file(`orthanc/${name}`)).toBe(explorer2Text(plugin, categories));
});

test('the editor offers every label of a network or a state, with the site’s prefix', () => {
  const nncpr = file('model/nncpr-classes.txt').trim().split('\n');
  const states = ['needs_review', 'unknown_view', 'order_mismatch', 'classification_failed'];
  const { AvailableLabels } = optionsOf(true, 'pv_');
  for (const label of [...nncpr, ...states]) expect(AvailableLabels).toContain(`pv_${label}`);
  expect(new Set(AvailableLabels).size).toBe(AvailableLabels.length);
  for (const label of AvailableLabels) expect(label).toMatch(/^pv_[A-Za-z0-9_-]{1,40}$/);
});

test('without the plugin the buttons write declared metadata in Orthanc, and call nothing else', () => {
  const declared = Object.keys(JSON.parse(file('orthanc/plainview.json')).UserMetadata);
  expect(declared).toContain(metadataNames.request);
  const buttons = Object.entries(optionsOf(false).CustomButtons);
  expect(buttons.map(([level]) => level)).toEqual(['study', 'series', 'instance']);
  for (const [, list] of buttons)
    for (const { HttpMethod, Url } of list)
      expect([HttpMethod, Url]).toEqual([
        'PUT',
        expect.stringMatching(
          /^\.\.\/\.\.\/(studies|series|instances)\/\{UUID\}\/metadata\/RadiographReclassify$/,
        ),
      ]);
});

test('the message after a click is true for users who are refused too', () => {
  const messages = [true, false]
    .flatMap((plugin) => Object.values(optionsOf(plugin).CustomButtons).flat())
    .flatMap(({ HttpMethod, StartMessage }) => (HttpMethod === 'GET' ? [] : [StartMessage]));
  for (const message of messages) {
    expect(message).toContain('sent');
    expect(message).toContain('If you are not allowed');
  }
});

test('with the plugin all buttons use Orthanc’s address, and each has its own id', () => {
  const buttons = Object.values(optionsOf(true).CustomButtons).flat();
  for (const { Url } of buttons) expect(Url).toMatch(/^\.\.\/\.\.\/plainview\//);
  expect(new Set(buttons.map(({ Id }) => Id)).size).toBe(buttons.length);
});
