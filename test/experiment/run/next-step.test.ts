import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../../../experiment/records/exit-code.ts';
import type { JobStatus } from '../../../experiment/records/observed-event.ts';
import type { RunView, Step } from '../../../experiment/run/next-step.ts';
import { endedByItself, isDead, nextStep } from '../../../experiment/run/next-step.ts';
import { aProgress, START } from '../../fixtures/records.ts';
import { aControl, aJob, aView } from '../../fixtures/run-view.ts';

const MINUTE = 60_000;

const withoutJob = (more: Parameters<typeof aControl>[0] = {}) => {
  const { job: _, ...control } = aControl(more);
  return control;
};
const stop = { at: START, cause: 'cancelled', because: 'person', why: 'enough' } as const;
const ended = { at: START, outcome: 'succeeded', headline: '', why: '', next: '' } as const;
const written = { ...ended, writtenAt: START } as const;
const submitting = { nonce: 'n', leaseUntil: START };
const owner = { jobId: 'j', attempt: 1, nonce: 'n' };
const succeeded = { status: 'SUCCEEDED' } as const;
const aborted = { status: 'ABORTED' } as const;
const over = aJob({ status: 'SUCCEEDED', exitCode: 0, stoppedAt: START });
const fencedOff = aJob({ status: 'FAILED', exitCode: EXIT.notOwner, stoppedAt: START });

/** Which step, of what, and when: a bound is asked one millisecond to each side. */
const STEPS: readonly [string, Partial<RunView>, Partial<Step>][] = [
  [
    'a submission under way is left to its copy',
    { control: withoutJob({ submitting }), now: START - 1 },
    { do: 'nothing' },
  ],
  ['one whose lease is over is looked up first', { control: withoutJob({ submitting }) }, { do: 'look-up' }],
  [
    'and repeated when Batch has none',
    { control: withoutJob({ submitting }), lookedUp: true },
    { do: 'submit' },
  ],
  [
    'but not for a run told to end',
    { control: withoutJob({ submitting, stop }), lookedUp: true },
    { do: 'forget-submission' },
  ],
  [
    'nor for one whose execution ended',
    { control: withoutJob({ submitting, stop }), lookedUp: true, execution: aborted },
    { do: 'forget-submission' },
  ],
  [
    'an execution that was forgotten is started',
    { control: withoutJob({ acceptedAt: START - MINUTE }), execution: undefined },
    { do: 'start-execution' },
  ],
  [
    'but not before ingest had its minute',
    {
      control: { ...withoutJob({ acceptedAt: START - MINUTE + 1 }), token: undefined },
      execution: undefined,
    },
    { do: 'nothing' },
  ],
  [
    'an execution that has asked for its job is there',
    { control: withoutJob({ acceptedAt: START - MINUTE + 1 }), execution: undefined },
    { do: 'submit' },
  ],
  [
    'without a token there is nobody to submit for',
    { control: { ...withoutJob(), token: undefined } },
    { do: 'nothing' },
  ],
  ['with one the job is submitted', { control: withoutJob() }, { do: 'submit' }],
  ['a run whose plan is gone ends instead', { control: withoutJob(), plan: undefined }, { do: 'mark-end' }],
  [
    'the owner’s job is followed',
    { jobs: [aJob(), aJob({ id: 'k' })], owner: { ...owner, jobId: 'k' } },
    { do: 'follow', jobId: 'k' },
  ],
  [
    'before a duplicate is ended the run is given away',
    { jobs: [aJob(), aJob({ id: 'k' })] },
    { do: 'give-ownership' },
  ],
  [
    'but a task that names one that was ended steers nothing',
    { jobs: [aJob(), aJob({ id: 'k', isTerminated: true })], owner: { ...owner, jobId: 'k' } },
    { do: 'nothing' },
  ],
  [
    'also not once the run’s own job has ended',
    {
      jobs: [over, aJob({ id: 'k', isTerminated: true, status: 'FAILED' })],
      owner: { ...owner, jobId: 'k' },
    },
    { do: 'complete-token' },
  ],
  [
    'unless the fence kept the run’s own job out',
    {
      jobs: [fencedOff, aJob({ id: 'k', isTerminated: true, status: 'FAILED' })],
      owner: { ...owner, jobId: 'k' },
    },
    { do: 'follow', jobId: 'k' },
  ],
  ['a duplicate is ended', { jobs: [aJob(), aJob({ id: 'k' })], owner }, { do: 'terminate', jobId: 'k' }],
  ['once', { jobs: [aJob(), aJob({ id: 'k', isTerminated: true })], owner }, { do: 'nothing' }],
  ['a dead one is none', { jobs: [aJob(), aJob({ id: 'k', status: 'FAILED' })], owner }, { do: 'nothing' }],
  [
    'a job that Batch does not know yet is waited for',
    { jobs: [], control: aControl({ job: { id: 'j', knownSince: START - 5 * MINUTE + 1 } }) },
    { do: 'nothing' },
  ],
  [
    'and looked up after five minutes',
    { jobs: [], control: aControl({ job: { id: 'j', knownSince: START - 5 * MINUTE } }) },
    { do: 'look-up' },
  ],
  ['one that has aged out is over', { jobs: [], lookedUp: true }, { do: 'complete-token' }],
  ['a job under way goes on', {}, { do: 'nothing' }],
  [
    'a run told to end has its job ended',
    { control: aControl({ stop }) },
    { do: 'terminate', jobId: 'j', reason: 'enough' },
  ],
  ['once', { control: aControl({ stop }), jobs: [aJob({ isTerminated: true })] }, { do: 'nothing' }],
  ['a job that is over completes the token', { jobs: [over] }, { do: 'complete-token' }],
  [
    'which is done when the end is decided',
    { jobs: [over], control: aControl({ ended }) },
    { do: 'nothing' },
  ],
  [
    'a job that another one kept out ends nothing',
    { jobs: [fencedOff], owner: { ...owner, jobId: 'k' } },
    { do: 'look-up' },
  ],
  [
    'while Batch may still show the other',
    { jobs: [fencedOff], owner: { ...owner, jobId: 'k' }, lookedUp: true, now: START + 5 * MINUTE - 1 },
    { do: 'nothing' },
  ],
  [
    'after that it does',
    { jobs: [fencedOff], owner: { ...owner, jobId: 'k' }, lookedUp: true, now: START + 5 * MINUTE },
    { do: 'complete-token' },
  ],
  ['an exit 6 of the owner itself is an end', { jobs: [fencedOff], owner }, { do: 'complete-token' }],
  ['an execution that is over is collected for', { jobs: [over], execution: succeeded }, { do: 'collect' }],
  [
    'again where that was cut off',
    { jobs: [over], execution: succeeded, control: aControl({ ended }) },
    { do: 'collect' },
  ],
  [
    'and again without a report where that was cut off too often',
    {
      jobs: [over],
      execution: succeeded,
      control: aControl({ ended, collects: { tries: 9, since: START } }),
      now: START + 60 * MINUTE - 1,
    },
    { do: 'collect' },
  ],
  [
    'but not for ever',
    {
      jobs: [over],
      execution: succeeded,
      control: aControl({ ended, collects: { tries: 9, since: START } }),
      now: START + 60 * MINUTE,
    },
    { do: 'look-up' },
  ],
  [
    'then people are told',
    { jobs: [over], execution: succeeded, control: aControl({ ended: written }), isUntold: true },
    { do: 'tell' },
  ],
  [
    'but not for ever',
    {
      jobs: [over],
      execution: succeeded,
      control: aControl({ ended: written }),
      isUntold: true,
      now: START + 180 * MINUTE,
    },
    { do: 'look-up' },
  ],
  [
    'then Batch is asked for stragglers',
    { jobs: [over], execution: succeeded, control: aControl({ ended: written }) },
    { do: 'look-up' },
  ],
  [
    'and the run is closed',
    { jobs: [over], execution: succeeded, control: aControl({ ended: written }), lookedUp: true },
    { do: 'close' },
  ],
  [
    'an execution that was stopped marks the end',
    { execution: aborted },
    {
      do: 'mark-end',
      stop: { at: START, cause: 'cancelled', because: 'person', why: 'the execution was stopped' },
    },
  ],
  [
    'in its own words',
    { execution: { status: 'ABORTED', cause: 'lunch' } },
    { do: 'mark-end', stop: { ...stop, why: 'lunch' } },
  ],
  [
    'also over what was collected',
    { execution: aborted, jobs: [over], control: aControl({ ended: written }) },
    { do: 'mark-end', stop: { ...stop, why: 'the execution was stopped' } },
  ],
  [
    'unless they agree',
    {
      execution: aborted,
      jobs: [over],
      control: aControl({ ended: { ...written, outcome: 'cancelled' } }),
      lookedUp: true,
    },
    { do: 'close' },
  ],
  ['or it was marked', { execution: aborted, jobs: [over], control: aControl({ stop }) }, { do: 'collect' }],
  ['a closed run does nothing', { control: aControl({ closedAt: START }), jobs: [over] }, { do: 'nothing' }],
  [
    'but end a straggler',
    { control: aControl({ closedAt: START }), jobs: [over, aJob({ id: 'k' })] },
    { do: 'terminate', jobId: 'k' },
  ],
  [
    'once',
    { control: aControl({ closedAt: START }), jobs: [aJob({ isTerminated: true })] },
    { do: 'nothing' },
  ],
  [
    'of several a living one',
    { control: aControl({ closedAt: START }), jobs: [aJob({ isTerminated: true }), aJob({ id: 'k' })] },
    { do: 'terminate', jobId: 'k' },
  ],
];

describe('the one next step', () => {
  it.each(STEPS)('%s', (_words, view, step) => {
    expect(nextStep(aView(view))).toMatchObject(step);
  });

  it('is the same for each order of the jobs, and of a living and a dead one the living is followed', () => {
    const statuses: JobStatus[] = ['RUNNABLE', 'RUNNING', 'SUCCEEDED', 'FAILED'];
    fc.assert(
      fc.property(
        fc.constantFrom(...statuses),
        fc.constantFrom(...statuses),
        fc.boolean(),
        (one, other, hasJob) => {
          const jobs = [aJob({ status: one }), aJob({ id: 'k', status: other })];
          const control = hasJob ? aControl() : withoutJob();
          const step = nextStep(aView({ control, jobs, owner }));
          const reversed = nextStep(aView({ control, jobs: jobs.toReversed(), owner }));
          const isLiving = ({ status }: { status: JobStatus }) => status.startsWith('RUN');
          if (jobs.filter(isLiving).length === 1 && !hasJob)
            expect([step, reversed]).toEqual(Array(2).fill({ do: 'follow', jobId: jobs.find(isLiving)?.id }));
          // Two that are alike may be followed in either order: the other is a duplicate then.
          else if (hasJob || isLiving(jobs[0] ?? aJob()) !== isLiving(jobs[1] ?? aJob()))
            expect(reversed).toEqual(step);
          else expect(reversed.do).toBe(step.do);
        },
      ),
    );
  });
});

describe('a run told to end is dead', () => {
  it.each<[string, Partial<RunView>, boolean]>([
    ['not while its job lives', {}, false],
    ['not while another of its jobs lives', { jobs: [over, aJob({ id: 'k' })] }, false],
    ['when its job is over', { jobs: [over] }, true],
    [
      'not while a job may be about to be submitted',
      { control: withoutJob({ submitting }), jobs: [] },
      false,
    ],
    ['when it never had one', { control: withoutJob(), jobs: [] }, true],
    [
      'not because Batch does not show its job',
      {
        jobs: [],
        lookedUp: true,
        control: aControl({ job: { id: 'j', knownSince: START - 5 * MINUTE + 1 } }),
      },
      false,
    ],
    [
      'when Batch has forgotten it',
      { jobs: [], lookedUp: true, control: aControl({ job: { id: 'j', knownSince: START - 5 * MINUTE } }) },
      true,
    ],
    ['not when Batch was not asked', { jobs: [], lookedUp: false }, false],
    [
      'not because another job is over',
      { jobs: [aJob({ id: 'k', status: 'FAILED' })], lookedUp: false },
      false,
    ],
    ['when it is closed', { control: aControl({ closedAt: START }) }, true],
  ])('%s', (_words, view, dead) => {
    expect(isDead(aView(view))).toBe(dead);
  });
});

describe('a run ended by itself', () => {
  it.each<[string, Partial<RunView>, boolean]>([
    ['when its job is over', { jobs: [over] }, true],
    ['not while that lives, whatever node 0 said', { progress: aProgress() }, false],
    ['not by a job that another one kept out', { jobs: [fencedOff], owner: { ...owner, jobId: 'k' } }, false],
    ['by node 0’s last word, where Batch has forgotten the job', { jobs: [], progress: aProgress() }, true],
    ['not by a word before the last', { jobs: [], progress: aProgress({ phase: 'collecting' }) }, false],
    ['not by another job’s last word', { jobs: [], progress: aProgress({ jobId: 'k' }) }, false],
    ['not without a job', { control: withoutJob(), jobs: [], progress: aProgress() }, false],
  ])('%s', (_words, view, itself) => {
    expect(endedByItself(aView(view))).toBe(itself);
  });
});
