import { expect, test } from 'vitest';
import { help, startArguments, uploadCommand } from '../../../src/sandbox/arguments.js';

test('without arguments it starts one service', () => {
  expect(startArguments([], {})).toEqual({ mode: 'one' });
  expect(startArguments([], { PLAINVIEW_ORTHANC_URL: 'http://orthanc' })).toEqual({ mode: 'one' });
});

test('--several takes the number of services', () => {
  expect(startArguments(['--several', '3'], {})).toEqual({ mode: 'several', count: 3 });
  expect(startArguments(['--several=1'], {})).toEqual({ mode: 'several', count: 1 });
});

test.each(['0', '10', 'three', '2.5', ''])('--several=%s is refused', (count) => {
  expect(() => startArguments([`--several=${count}`], {})).toThrow('number from 1 to 9');
});

test('--several without a number, and what it does not know, are refused', () => {
  expect(() => startArguments(['--several'], {})).toThrow("'--several <value>' argument missing");
  expect(() => startArguments(['--sevral', '3'], {})).toThrow("Unknown option '--sevral'");
});

test('--several is refused where Orthanc is given: it would not be used', () => {
  expect(() => startArguments(['--several', '3'], { PLAINVIEW_ORTHANC_URL: 'http://orthanc' })).toThrow(
    'PLAINVIEW_ORTHANC_URL must not be set',
  );
});

test('--help names what there is', () => {
  expect(startArguments(['--help'], {})).toEqual({ mode: 'help' });
  expect(help).toContain('--several');
});

test('the printed upload does not wait for an answer that Orthanc never gives', () => {
  expect(uploadCommand('http://127.0.0.1:8042')).toBe(
    "curl -X POST -H 'Expect:' http://127.0.0.1:8042/instances --data-binary @radiograph.dcm",
  );
});
