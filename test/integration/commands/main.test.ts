import { expect, it } from 'vitest';
import { runPlainview } from '../../../testkit/cli.js';

// Others are in the unit tests, without a process for each.
it('a wrong call says why, and ends with 2', async () => {
  const { status, stdout, stderr } = await runPlainview(['nope']);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/unknown command 'nope'/);
});

it('help that is asked for is none', async () => {
  expect(await runPlainview(['rules', '--help'])).toMatchObject({ status: 0, stderr: '' });
});
