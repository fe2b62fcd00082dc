import { describe, expect, it } from 'vitest';
import { invoke, invokeAndWait, makeMachine, named, runMachine } from '../../../support/states-machine.ts';

/** A machine of one task that fails with these errors in turn and then succeeds. */
function failing(errors: readonly string[], more: object) {
  const calls: number[] = [];
  const machine = makeMachine(
    {
      StartAt: 'Task',
      States: {
        Task: invoke('fail', { End: true, ...more }),
        ...('Catch' in more ? { Caught: { Type: 'Succeed' } } : {}),
      },
    },
    {
      fail: async () => {
        calls.push(machine.seconds());
        const error = errors[calls.length - 1];
        if (error !== undefined) throw named(error);
        return 'done';
      },
    },
    { random: () => 0.5 },
  );
  return { machine, calls };
}

async function callTimes(errors: readonly string[], retry: readonly object[]) {
  const { machine, calls } = failing(errors, { Retry: retry });
  await machine.start();
  const { status } = await machine.untilEnd();
  return { status, calls };
}

const many = Array<string>(20).fill('Throttled');

describe('Retry', () => {
  it('tries three times more after 1, 2 and 4 s when it says nothing else', async () => {
    expect(await callTimes(many, [{ ErrorEquals: ['Throttled'] }])).toEqual({
      status: 'FAILED',
      calls: [0, 1, 3, 7],
    });
  });

  it('backs off up to the longest delay', async () => {
    const retry = {
      ErrorEquals: ['States.ALL'],
      IntervalSeconds: 5,
      BackoffRate: 3,
      MaxDelaySeconds: 20,
      MaxAttempts: 4,
    };
    expect((await callTimes(many, [retry])).calls).toEqual([0, 5, 20, 40, 60]);
  });

  it('takes a random part of the delay with full jitter', async () => {
    const retry = { ErrorEquals: ['Throttled'], JitterStrategy: 'FULL', MaxAttempts: 2 };
    expect((await callTimes(many, [retry])).calls).toEqual([0, 0.5, 1.5]);
  });

  it('counts for each retrier alone, and the first that names an error decides', async () => {
    const retry = [
      { ErrorEquals: ['Refused'], MaxAttempts: 0 },
      { ErrorEquals: ['Throttled'], IntervalSeconds: 1, MaxAttempts: 1 },
      { ErrorEquals: ['States.ALL'], IntervalSeconds: 10, MaxAttempts: 1 },
    ];
    expect(await callTimes(['Throttled', 'Other'], retry)).toEqual({
      status: 'SUCCEEDED',
      calls: [0, 1, 11],
    });
    expect(await callTimes(['Throttled', 'Throttled'], retry)).toEqual({ status: 'FAILED', calls: [0, 1] });
    expect(await callTimes(['Refused'], retry)).toEqual({ status: 'FAILED', calls: [0] });
  });

  it('counts each retry as a transition, as AWS bills it', async () => {
    const { machine } = failing(['Throttled', 'Throttled'], { Retry: [{ ErrorEquals: ['Throttled'] }] });
    await machine.start();
    const { transitions, history } = await machine.untilEnd();
    expect(transitions).toBe(5); // start, Task, two retries, end
    expect(history.filter(({ type }) => type === 'TaskFailed')).toHaveLength(2);
  });
});

describe('Catch', () => {
  it('hands on the error beside the input of the state, when the retries are used up', async () => {
    const { machine, calls } = failing(many, {
      Retry: [{ ErrorEquals: ['Throttled'], MaxAttempts: 1 }],
      Catch: [
        { ErrorEquals: ['Other'], Next: 'Task' },
        { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'Caught' },
      ],
    });
    await machine.start({ runId: 'a' });
    const { status, output } = await machine.untilEnd();
    expect([status, calls.length]).toEqual(['SUCCEEDED', 2]);
    const handed = JSON.parse(output ?? '');
    expect(handed).toMatchObject({ runId: 'a', error: { Error: 'Throttled' } });
    expect(JSON.parse(handed.error.Cause)).toMatchObject({
      errorType: 'Throttled',
      errorMessage: 'on purpose',
    });
  });

  it.each([
    ['States.TaskFailed', 'AnyError', true],
    ['States.TaskFailed', 'States.Timeout', false],
    ['States.ALL', 'States.Timeout', true],
    ['States.Timeout', 'States.Timeout', true],
    ['Any', 'AnyError', false],
  ])('of %s on %s: %s', async (caught, error, expected) => {
    const hanging = error === 'States.Timeout';
    const machine = makeMachine(
      {
        StartAt: 'Task',
        States: {
          Task: invoke('act', {
            TimeoutSeconds: 5,
            Catch: [{ ErrorEquals: [caught], Next: 'Caught' }],
            End: true,
          }),
          Caught: { Type: 'Succeed' },
        },
      },
      {
        act: async () => {
          if (!hanging) throw named(error);
          await machine.clock.sleep(100_000);
        },
      },
    );
    await machine.start();
    const { status, history } = await machine.untilEnd();
    expect(status).toBe(expected ? 'SUCCEEDED' : 'FAILED');
    expect(history.some(({ type }) => type === (hanging ? 'TaskTimedOut' : 'TaskFailed'))).toBe(true);
  });

  it('sees a ResultPath that leads through something else than an object', async () => {
    const { output } = await runMachine(
      {
        StartAt: 'Task',
        States: {
          Task: invoke('echo', {
            ResultPath: '$.text.inner',
            Catch: [
              { ErrorEquals: ['States.ResultPathMatchFailure'], ResultPath: '$.caught', Next: 'Caught' },
            ],
            End: true,
          }),
          Caught: { Type: 'Succeed' },
        },
      },
      { text: 'not an object' },
      { echo: async () => 1 },
    );
    expect(output).toMatchObject({ caught: { Error: 'States.ResultPathMatchFailure' } });
  });
});

describe('an execution', () => {
  it('fails with what a Fail state reads from paths', async () => {
    const { record } = await runMachine(
      {
        StartAt: 'Fail',
        States: { Fail: { Type: 'Fail', ErrorPath: '$.error', CausePath: '$.why' } },
      },
      { error: 'TasksFailed', why: '3 of 200 tasks failed' },
    );
    expect(record).toMatchObject({ status: 'FAILED', error: 'TasksFailed', cause: '3 of 200 tasks failed' });
  });

  it('ends when its history is as long as AWS lets it be', async () => {
    const goTo = (Next: string) => ({
      Type: 'Choice',
      Choices: [{ Variable: '$.text', StringEquals: 'other', Next }],
      Default: Next,
    });
    const definition = { StartAt: 'Round', States: { Round: goTo('Again'), Again: goTo('Round') } };
    const { record } = await runMachine(definition, { text: 'this' });
    expect(record).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
    expect(record.history).toHaveLength(25_000);
  });

  it('goes on by the first rule whose text is equal, or by Default, and fails on a path to nowhere', async () => {
    const choose = (input: object) =>
      runMachine(
        {
          StartAt: 'Choose',
          States: {
            Choose: {
              Type: 'Choice',
              Choices: [
                { Variable: '$.outcome', StringEquals: 'succeeded', Next: 'Succeeded' },
                { Variable: '$.outcome', StringEquals: 'succeeded', Next: 'Failed' },
              ],
              Default: 'Failed',
            },
            Succeeded: { Type: 'Succeed' },
            Failed: { Type: 'Fail', ErrorPath: '$.outcome', CausePath: '$.outcome' },
          },
        },
        input,
      );
    expect((await choose({ outcome: 'succeeded' })).record.status).toBe('SUCCEEDED');
    expect((await choose({ outcome: 'failed' })).record).toMatchObject({ status: 'FAILED', error: 'failed' });
    expect((await choose({})).record.error).toBe('States.Runtime');
  });

  it('has nothing in its history after its end, at whatever moment it is stopped', async () => {
    for (let moment = 0; moment < 20; moment += 1) {
      const stopLater = async () => {
        for (let turn = 0; turn < moment; turn += 1) await Promise.resolve();
        await machine.states.stopExecution({ executionArn: machine.record().executionArn });
      };
      const machine = makeMachine(
        {
          StartAt: 'Task',
          States: {
            Task: invoke('act', { Next: 'Wait' }),
            Wait: invokeAndWait('nothing', { TimeoutSeconds: 5, End: true }),
          },
        },
        {
          act: async () => {
            void stopLater();
          },
          nothing: async () => undefined,
        },
      );
      await machine.start();
      const { status, history } = await machine.untilEnd();
      await machine.clock.advance(10_000);
      expect([status, history.at(-1)?.type]).toEqual(['ABORTED', 'ExecutionAborted']);
    }
  });

  it('is the same byte for byte when it is run again', async () => {
    const run = async () => {
      const { machine } = failing(['A', 'B'], {
        Retry: [{ ErrorEquals: ['States.ALL'], JitterStrategy: 'FULL' }],
      });
      await machine.start();
      const record = await machine.untilEnd();
      return JSON.stringify(record);
    };
    expect(await run()).toBe(await run());
  });
});
