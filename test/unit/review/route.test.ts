import { expect, test } from 'vitest';
import { idOf, usePage } from './support/page.js';

const page = usePage();

test.each([
  ['', { page: 'worklist', query: new URLSearchParams() }],
  ['#/?state=recent', { page: 'worklist', query: new URLSearchParams('state=recent') }],
  ['#/dashboard', { page: 'dashboard' }],
  ['#/report', { page: 'quality' }],
  ['#/grid?category=hand_ap', { page: 'grid', query: new URLSearchParams('category=hand_ap') }],
  [`#/study/${idOf(1)}`, { page: 'study', study: idOf(1) }],
  [`#/instance/${idOf(1)}`, { page: 'instance', instance: idOf(1) }],
  ['#/instance/../secret', { page: 'worklist', query: new URLSearchParams() }],
])('the address “%s” is understood', (fragment, route) => {
  expect(page().routing.parseRoute(fragment)).toEqual(route);
});

test('the route follows the address while it is started, and no longer', () => {
  const { routing } = page();
  location.hash = '#/dashboard';
  const stop = routing.startRouting();
  expect(routing.route.value.page).toBe('dashboard');
  routing.go(`#/instance/${idOf(1)}`);
  expect(routing.route.value.page).toBe('instance');
  routing.goInstead(`#/study/${idOf(1)}`);
  expect([routing.route.value.page, location.hash]).toEqual(['study', `#/study/${idOf(1)}`]);
  stop();
  routing.go('#/dashboard');
  expect(routing.route.value.page).toBe('study');
});
