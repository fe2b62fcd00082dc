import { expect, it } from 'vitest';
import { nodeHoursOf, nodeHoursSoFar } from '../../../experiment/figures/node-hours.ts';
import { START } from '../../fixtures/records.ts';
import { aJob } from '../../fixtures/run-view.ts';

const HOUR = 3_600_000;
const first = { startedAt: START - 3 * HOUR, stoppedAt: START - 2 * HOUR };

it.each([
  ['an attempt under way that Batch lists', { attempts: [{ startedAt: START - HOUR }] }, 4],
  ['one that it does not list', { startedAt: START - HOUR }, 4],
  ['one that it lists without its start', { attempts: [{}], startedAt: START - HOUR }, 4],
  ['one before', { attempts: [first], attempt: 2, startedAt: START - HOUR }, 8],
  [
    'a wait after an attempt',
    { attempts: [first], attempt: 2, status: 'RUNNABLE', startedAt: first.startedAt },
    4,
  ],
  [
    'a job that is over, whose attempt Batch says no end of',
    { attempts: [{ startedAt: first.startedAt }], status: 'FAILED', stoppedAt: first.stoppedAt },
    4,
  ],
  ['a job that is over', { attempts: [first], status: 'FAILED', stoppedAt: first.stoppedAt }, 4],
  [
    'an attempt that never began',
    { attempts: [{ stoppedAt: START }], status: 'FAILED', startedAt: undefined },
    0,
  ],
  ['a start in the future', { startedAt: START + HOUR }, 0],
] as const)('%s', (_words, job, hours) => {
  expect(nodeHoursOf(aJob(job), 4, START)).toBe(hours);
});

it('node 0 counts all nodes since the first runner started, and nothing before one has joined', () => {
  expect(nodeHoursSoFar([START + HOUR / 2, START], 4, START + HOUR)).toBe(4);
  expect(nodeHoursSoFar([START], 4, START - 1)).toBe(0);
  expect(nodeHoursSoFar([], 4, START)).toBe(0);
});
