import { expect, it } from 'vitest';
import { runPlainview } from '../../../testkit/cli.js';

it.each([
  [[], /Usage: plainview/],
  [['nope'], /unknown command 'nope'/],
  [['find', '--nope'], /unknown option '--nope'/],
  [['sweep', '--order', 'random'], /Allowed choices are newest, oldest/],
  [['rules', 'test'], /'--instance <id...>' not specified/],
])('plainview %j is a wrong call: it reports the reason and ends with 2', async (args, sentence) => {
  const { status, stdout, stderr } = await runPlainview(args);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(sentence);
});

it('requested help is not an error', async () => {
  expect(await runPlainview(['rules', '--help'])).toMatchObject({ status: 0, stderr: '' });
});
