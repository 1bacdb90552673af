import { expect, test } from 'vitest';
import { wilson } from '../../../src/review/dashboard/wilson.js';
import { matchCategories } from '../../../src/review/instance/match-categories.js';
import {
  clampToStage,
  dragWindow,
  fitInto,
  fitted,
  limitWindow,
  renderedSide,
  wholeWindow,
  windowChange,
  zoomAt,
} from '../../../src/review/instance/viewport.js';

test('what lies under the pointer stays there when it is zoomed', () => {
  const point = { x: 120, y: -40 };
  const before = { zoom: 2, x: 30, y: 10 };
  const after = zoomAt(before, 1.5, point.x, point.y);
  const underPointer = ({ zoom, x, y }: typeof before) => [(point.x - x) / zoom, (point.y - y) / zoom];
  expect(underPointer(after)).toEqual(underPointer(before).map((value) => expect.closeTo(value)));
});

test('a picture is never zoomed or dragged off the stage', () => {
  expect(zoomAt(fitted, 0.01).zoom).toBe(1);
  expect(zoomAt(fitted, 1000).zoom).toBe(16);
  const [picture, stage] = [
    { width: 400, height: 300 },
    { width: 500, height: 300 },
  ];
  expect(clampToStage({ zoom: 1, x: 90, y: 90 }, picture, stage)).toEqual({ zoom: 1, x: 0, y: 0 });
  expect(clampToStage({ zoom: 2, x: 900, y: -900 }, picture, stage)).toEqual({ zoom: 2, x: 150, y: -150 });
});

test('a picture fits in with its own aspect', () => {
  expect(fitInto({ width: 1000, height: 2000 }, { width: 800, height: 600 })).toEqual({
    width: 300,
    height: 600,
  });
});

test.each([
  ['the same window', wholeWindow, wholeWindow, false, 0.25, 0.25],
  [
    'half the range: the middle stays, contrast doubles',
    wholeWindow,
    { center: 0.5, width: 0.5 },
    false,
    0.75,
    1,
  ],
  ['a darker range is shown brighter', wholeWindow, { center: 0.25, width: 1 }, false, 0.25, 0.5],
  ['inverted', wholeWindow, wholeWindow, true, 0.25, 0.75],
  ['back from a narrow rendering', { center: 0.5, width: 0.5 }, wholeWindow, false, 1, 0.75],
])('the window, %s', (_what, rendered, wanted, inverted, grey, shown) => {
  const { slope, intercept } = windowChange(rendered, wanted, inverted);
  expect(slope * grey + intercept).toBeCloseTo(shown);
});

test('a drag right widens the window, a drag down darkens, and neither ever ends in nothing', () => {
  expect(dragWindow(wholeWindow, 0.2, 0).width).toBeGreaterThan(1);
  expect(dragWindow(wholeWindow, 0, 0.2).center).toBeGreaterThan(0.5);
  expect(limitWindow({ center: 9, width: 0 })).toEqual({ center: 2, width: 0.02 });
});

test('no more pixels are asked for than there are', () => {
  expect(renderedSide(700, {})).toBe(1024);
  expect(renderedSide(700, { rows: 900, columns: 600 })).toBe(900);
  expect(renderedSide(9000, { rows: 5000, columns: 4000 })).toBe(4096);
});

const known = ['knee_ap', 'knee_lateral', 'ankle_lateral', 'chest_pa_ap', 'oblique_view_of_Lauenstein'].map(
  (name) => ({ name, isKnown: true, region: '', words: name.startsWith('knee') ? ['knie', 'rotula'] : [] }),
);
const unknown = [
  {
    name: 'calcaneus_lateral',
    isKnown: false,
    region: 'Calcaneus',
    words: ['ferse*', 'fusswurzel', 'seitlich'],
  },
  { name: 'knee_tunnel', isKnown: false, region: 'Knee', words: ['knie', 'frik'] },
];
const some = [...known, ...unknown];

test.each([
  ['kn lat', ['knee_lateral']],
  ['lat kn', ['knee_lateral']],
  ['knlat', ['knee_lateral']],
  ['lat', ['knee_lateral', 'ankle_lateral', 'calcaneus_lateral']],
  ['calc', ['calcaneus_lateral']],
  ['ferse seitl', ['calcaneus_lateral']],
  ['Fußwurzel', ['calcaneus_lateral']],
  ['knie', ['knee_ap', 'knee_lateral', 'knee_tunnel']],
  ['rótula', ['knee_ap', 'knee_lateral']],
  ['chest pa', ['chest_pa_ap']],
  ['Pa/Ap', ['chest_pa_ap']],
  ['lauen', ['oblique_view_of_Lauenstein']],
  ['zzz', []],
])('typing “%s” finds %j', (text, found) => {
  expect(matchCategories(text, some, new Map()).map(({ name }) => name)).toEqual(found);
});

test('what the network thinks likely is found first', () => {
  expect(matchCategories('', some, new Map([['ankle_lateral', 0.6]]))[0]?.name).toBe('ankle_lateral');
});

test('only typing finds what the network does not know', () => {
  expect(matchCategories(' ', some, new Map())).toEqual(known);
});

test('the interval of a proportion is Wilson’s', () => {
  // Newcombe, Stat Med 1998;17:857, table I: 81 of 263 and 0 of 20.
  expect(wilson(81, 263)).toEqual([expect.closeTo(0.2553, 4), expect.closeTo(0.3662, 4)]);
  expect(wilson(0, 20)).toEqual([0, expect.closeTo(0.1611, 4)]);
  expect(wilson(0, 0)).toEqual([0, 1]);
});
