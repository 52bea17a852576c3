import { bundle } from '../../simulation/bundle';
import { simulate } from '../../simulation/fleet';
import { MUTANTS } from '../../simulation/mutants';

describe('the simulation finds', () => {
  test.each(Object.entries(MUTANTS))('%s', async (_, { seeds, patches }) => {
    const { failed } = await simulate({ from: 1, seeds, patches, stopAtFailure: true });
    expect(failed.length).toBeGreaterThan(0);
  }, 300_000);
});

test('a defect whose place in the core is gone is an error, not a pass', async () => {
  await expect(bundle({ patches: [{ file: 'join.ts', find: 'no such text', replace: '' }] })).rejects.toThrow('join.ts has 0 places that match no such text');
});
