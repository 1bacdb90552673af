import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { shipped } from '../../../src/files/places.js';
import { callApi } from '../../../testkit/api.js';
import { stubClassifier } from '../../../testkit/classifier.js';
import { image } from '../../../testkit/dicom.js';
import { type FakeOrthanc, startFakeOrthanc } from '../../../testkit/fake-orthanc.js';
import { head, type RulesFolder, rulesFolder } from '../../../testkit/rules.js';
import { Reader, startTestService, type TestService } from '../../../testkit/service.js';
import { waitFor } from '../../../testkit/wait-for.js';

let fake: FakeOrthanc;
let service: TestService;
let rules: RulesFolder;
/** What a service says that has just started. */
let first: string;

beforeAll(async () => {
  fake = await startFakeOrthanc({ overwriteInstances: true, destinations: { peers: ['archive'] } });
  rules = await rulesFolder();
  await rules.write({
    ...head,
    rules: [{ name: 'hips', when: { category: 'pelvis_ap' }, do: { peer: 'archive' } }],
  });
  service = await startTestService({
    orthanc: fake.url,
    classifier: stubClassifier(),
    env: { PLAINVIEW_RULES_FILE: rules.file, PLAINVIEW_TAGS: 'absent' },
    timings: { backlogMs: 60 },
  });
  first = await service.metrics();
});
afterAll(async () => {
  await service.stop();
  await fake.stop();
  await rules.discard();
});

/** By name: those of a service, of one that shares an archive, and of a process. */
const known = (text: string): Set<string> => {
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  return new Set([...names, ...observedElsewhere]);
};
/** Not of every service: of one that shares an archive, or several Orthancs, or whose process ends with it. */
const observedElsewhere = [
  ...['plainview_leader', 'plainview_members', 'plainview_orthanc_node_up'],
  ...['plainview_log_lines_dropped_total', 'up'],
];

const promtool = [shipped('.promtool', 'promtool'), '/usr/bin/promtool'].find((file) => existsSync(file));
const run = (args: string[], input = '', cwd = process.cwd()) => {
  const { status, stdout, stderr } = spawnSync(promtool ?? '', args, { input, cwd, encoding: 'utf8' });
  return { status, said: `${stdout}${stderr}` };
};

test('promtool finds nothing wrong with the metrics', async (context) => {
  if (promtool === undefined) return context.skip('no promtool: Debian has it in the package prometheus');
  const { status, said } = run(['check', 'metrics'], await service.metrics());
  expect({ status, said }).toEqual({ status: 0, said: '' });
});

test.each([
  'plainview_decisions_total{decision="category",category="knee_lateral"}',
  'plainview_decisions_total{decision="failed",category="none"}',
  'plainview_corrections_total{decision="category",verdict="corrected"}',
  'plainview_skipped_total{why="gone"}',
  'plainview_failures_total{code="orthanc_unreachable"}',
  'plainview_hook_notices_total{outcome="unauthorised"}',
  'plainview_mended_total{what="aggregates"}',
  'plainview_stage_seconds_count{stage="infer"}',
  'plainview_routed_total{destination="peer:archive",state="failed"}',
  'plainview_follow_ups_due{follow_up="tags"}',
  'plainview_sweep_running',
  'plainview_sweep_failed',
])('%s is there from the start, so its first increase is seen', (series) => {
  expect(first).toContain(`\n${series} 0\n`);
});

test('what runs is told by labels', () => {
  expect(first).toMatch(
    /^plainview_build_info\{version="\d+\.\d+\.\d+[^"]*",commit="[^"]*",node="[\d.]+"\} 1$/m,
  );
  expect(first).toMatch(
    /^plainview_network_info\{network="stub",sha256="\w+",purpose="\w+",engine="\w+"\} 1$/m,
  );
});

test('the backlog of people, their verdicts, and the last notice of the hook are told', async () => {
  const value = async (series: string) =>
    Number((await service.metrics()).split(`\n${series} `)[1]?.split('\n')[0]);
  expect(first).not.toMatch(/^plainview_hook_last_notice_timestamp_seconds \d/m);
  const before = Date.now() / 1000 - 1;
  service.classifier.answer = async () => ({ category: 'knee_ap', score: 0.6 });
  const unsure = fake.store(image()).ID;
  await service.notice(unsure);
  const reader = new Reader(fake.url);
  await waitFor(async () => (await reader.record(unsure))?.decision === 'needs_review');
  expect(await value('plainview_hook_last_notice_timestamp_seconds')).toBeGreaterThan(before);
  await waitFor(async () => (await value('plainview_review_backlog{state="needs_review"}')) === 1);

  const decide = async (category: string | null) => {
    const of = (await reader.record(unsure))?.when;
    const body = { category, of };
    expect((await callApi(service, 'PUT', `/instances/${unsure}/decision`, { body })).status).toBe(200);
  };
  await decide('knee_ap');
  await waitFor(async () => (await value('plainview_review_backlog{state="needs_review"}')) === 0);
  await decide('hand_ap');
  // That says nothing of the category.
  const body = { turned: 90, mirrored: false, of: (await reader.record(unsure))?.when };
  expect((await callApi(service, 'PUT', `/instances/${unsure}/orientation`, { body })).status).toBe(200);
  const verdicts = ['confirmed', 'corrected'].map((verdict) =>
    value(`plainview_corrections_total{decision="needs_review",verdict="${verdict}"}`),
  );
  expect(await Promise.all(verdicts)).toEqual([1, 1]);
});

/** The names of the metrics in a query. @throws where it is no PromQL */
function metricsIn(query: string): string[] {
  const found: string[] = [];
  parser.parse(query).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) throw new Error(`not PromQL at ${from}: ${query}`);
      if (type.name === 'VectorSelector') found.push(/^\w+/.exec(query.slice(from, to))?.[0] ?? '');
    },
  });
  return found;
}

test('the queries of the dashboard are PromQL, and name metrics that exist', async () => {
  const { panels } = JSON.parse(readFileSync(shipped('deploy', 'grafana', 'plainview.json'), 'utf8')) as {
    panels: { id: number; targets?: { expr: string }[] }[];
  };
  // What Grafana puts in their place.
  const queries = panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$(job|instance)/g, 'x')),
  );
  expect(queries.length).toBeGreaterThan(30);
  const names = known(await service.metrics());
  expect(queries.flatMap(metricsIn).filter((name) => !names.has(name))).toEqual([]);
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  expect(() => metricsIn('sum by (a) (rate(x[5m])')).toThrow('not PromQL');
});

test('docs/monitoring.md names the metrics that exist, and all of Plainview', async () => {
  const text = readFileSync(shipped('docs', 'monitoring.md'), 'utf8');
  const named = new Set([...text.matchAll(/`(plainview_\w+)`/g)].map(([, name = '']) => name));
  const whole = (name: string) => name.replace(/^(plainview_stage_seconds)_\w+$/, '$1');
  const existing = new Set([...known(await service.metrics())].map(whole));
  const own = [...existing].filter((name) => name.startsWith('plainview_'));
  expect(own.filter((name) => !named.has(name))).toEqual([]);
  expect([...named].filter((name) => !existing.has(name))).toEqual([]);
});

const alerts = shipped('deploy', 'prometheus', 'alerts.yml');
const alertTests = shipped('deploy', 'prometheus', 'alerts.test.yml');

test('the alerts are PromQL, name metrics that exist, and each has a test in which it fires', async () => {
  const { groups } = parse(readFileSync(alerts, 'utf8')) as {
    groups: { rules: { alert: string; expr: string }[] }[];
  };
  const all = groups.flatMap(({ rules }) => rules);
  const names = known(await service.metrics());
  expect(all.flatMap(({ expr }) => metricsIn(expr)).filter((name) => !names.has(name))).toEqual([]);
  const { tests } = parse(readFileSync(alertTests, 'utf8')) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[];
  };
  const cases = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
  const inCases = (fires: boolean) =>
    cases.filter(({ exp_alerts }) => exp_alerts.length > 0 === fires).map(({ alertname }) => alertname);
  const wanted = all.map(({ alert }) => alert).toSorted();
  expect([inCases(true).toSorted(), inCases(false).toSorted()]).toEqual([wanted, wanted]);
});

test('promtool accepts the alerts, and they fire in their tests', (context) => {
  if (promtool === undefined) return context.skip('no promtool: Debian has it in the package prometheus');
  expect(run(['check', 'rules', alerts])).toMatchObject({ status: 0 });
  expect(run(['test', 'rules', alertTests], '', dirname(alertTests))).toMatchObject({ status: 0 });
});
