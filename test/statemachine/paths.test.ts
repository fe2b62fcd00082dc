import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeMachine, named } from '../support/states-machine.ts';

const DEFINITION = JSON.parse(
  readFileSync(new URL('../../statemachine/experiment.asl.json', import.meta.url), 'utf8'),
);
const TERMINAL = ['RunRefused', 'UnknownRecord', 'RunIdCollision'];
const TRANSIENT = ['ServiceUnavailable', 'ControlConflict', 'TypeError'];

interface Script {
  /** What submit throws at its nth call; undefined lets the job run and end well. */
  submit?: (call: number) => Error | 'waits' | undefined;
  settle?: (call: number) => Error | undefined;
  collect?: (call: number) => Error | object;
}

/** The real definition over functions that do what the script says. */
async function play({ submit, settle, collect }: Script) {
  const called: string[] = [];
  const told: Record<string, unknown>[] = [];
  const nth = (name: string, payload: unknown) => {
    called.push(name);
    told.push({ name, ...Object(payload) });
    return called.filter((one) => one === name).length;
  };
  const machine = makeMachine(
    DEFINITION,
    {
      submit: async (payload) => {
        const call = nth('submit', payload);
        const does = submit?.(call);
        if (does instanceof Error) throw does;
        if (does === undefined)
          await machine.port.sendTaskSuccess({ taskToken: String(Object(payload).token), output: '{}' });
      },
      settle: async (payload) => {
        const call = nth('settle', payload);
        const does = settle?.(call);
        if (does !== undefined) throw does;
      },
      collect: async (payload) => {
        const call = nth('collect', payload);
        const does = collect?.(call) ?? { outcome: 'succeeded', error: '', cause: '' };
        if (does instanceof Error) throw does;
        return does;
      },
    },
    {
      substitutions: {
        SubmitFunctionArn: 'submit',
        SettleFunctionArn: 'settle',
        CollectFunctionArn: 'collect',
      },
    },
  );
  await machine.start({ runId: 'sweep-00000000000', source: {}, timeoutSeconds: 7200 });
  const record = await machine.untilEnd();
  const count = (name: string) => called.filter((one) => one === name).length;
  return { record, called, told, count, order: [...new Set(called)], seconds: machine.seconds() };
}

const timedOut = () => ({ outcome: 'timed-out', error: 'RunTimedOut', cause: 'why' });
const failed = () => ({ outcome: 'failed', error: 'RunFailed', cause: 'a headline' });

describe('the happy path', () => {
  it('takes at most eight transitions and calls each function once', async () => {
    const { record, called } = await play({});
    expect(record.status).toBe('SUCCEEDED');
    expect(called).toEqual(['submit', 'collect']);
    expect(record.transitions).toBeLessThanOrEqual(8);
  });

  it('hands submit the run, a token and its retry count', async () => {
    const { told } = await play({ submit: (call) => (call < 3 ? named('ServiceUnavailable') : undefined) });
    expect(told.filter(({ name }) => name === 'submit').map(({ retryCount }) => retryCount)).toEqual([
      0, 1, 2,
    ]);
    expect(new Set(told.flatMap(({ token }) => (token === undefined ? [] : [token]))).size).toBe(3);
    expect(told[0]).toMatchObject({ runId: 'sweep-00000000000' });
  });
});

describe('a failure of Run', () => {
  it.each(TERMINAL)(
    '%s is not tried again: Stop, Collect, Fail with the error of the outcome',
    async (name) => {
      const { record, order, count, told } = await play({ submit: () => named(name), collect: failed });
      expect(order).toEqual(['submit', 'settle', 'collect']);
      expect(count('submit')).toBe(1);
      expect(told[1]).toMatchObject({ stop: 'sweep-00000000000', error: { Error: name } });
      expect(record).toMatchObject({ status: 'FAILED', error: 'RunFailed', cause: 'a headline' });
    },
  );

  it.each(TRANSIENT)('%s is tried eight times more, and then goes the same way', async (name) => {
    const { record, order, count } = await play({ submit: () => named(name), collect: failed });
    expect(order).toEqual(['submit', 'settle', 'collect']);
    expect(count('submit')).toBe(9);
    expect(record).toMatchObject({ status: 'FAILED', error: 'RunFailed' });
  });

  it('its time limit comes from the input, is not begun anew, and says so to Stop', async () => {
    const { record, told, seconds, count } = await play({ submit: () => 'waits', collect: timedOut });
    expect(count('submit')).toBe(1);
    expect(seconds).toBe(7200);
    expect(told[1]).toMatchObject({ name: 'settle', error: { Error: 'States.Timeout' } });
    expect(record).toMatchObject({ status: 'FAILED', error: 'RunTimedOut' });
  });
});

describe('a failure of Stop', () => {
  const submit = () => named('RunRefused');

  it('StillStopping is asked again for more than an hour, each time half a minute later at most', async () => {
    const { count, record } = await play({
      submit,
      settle: (call) => (call < 130 ? named('StillStopping') : undefined),
      collect: failed,
    });
    expect(count('settle')).toBe(130);
    expect(record).toMatchObject({ status: 'FAILED', error: 'RunFailed' });
  });

  it.each([...TERMINAL, ...TRANSIENT])(
    '%s ends the execution under its name: settle finds it',
    async (name) => {
      const { count, record } = await play({ submit, settle: () => named(name) });
      expect(count('settle')).toBe(TERMINAL.includes(name) ? 1 : 21);
      expect(count('collect')).toBe(0);
      expect(record).toMatchObject({ status: 'FAILED', error: name });
    },
  );
});

describe('a failure of Collect', () => {
  it.each([...TERMINAL, ...TRANSIENT, 'StillStopping'])(
    '%s ends under its name when it stays',
    async (name) => {
      const { count, record } = await play({ collect: () => named(name) });
      expect(count('collect')).toBe(TERMINAL.includes(name) ? 1 : 9);
      expect(record).toMatchObject({ status: 'FAILED', error: name });
    },
  );

  it('that passes is nothing', async () => {
    const { record } = await play({
      collect: (call) =>
        call < 4 ? named('ServiceUnavailable') : { outcome: 'succeeded', error: '', cause: '' },
    });
    expect(record.status).toBe('SUCCEEDED');
  });
});

it('an account whose functions all run is waited for, for half an hour and more, in every state', async () => {
  const full = (call: number) => (call % 100 === 0 ? undefined : named('Lambda.TooManyRequestsException'));
  const { record, count, seconds } = await play({
    submit: (call) => full(call) ?? named('RunRefused'),
    settle: full,
    collect: (call) => full(call) ?? failed(),
  });
  expect([count('submit'), count('settle'), count('collect')]).toEqual([100, 100, 100]);
  expect(seconds).toBeGreaterThan(3 * 1800);
  expect(record).toMatchObject({ status: 'FAILED', error: 'RunFailed' });
});

it.each([
  ['failed', 'RunFailed'],
  ['cancelled', 'RunCancelled'],
  ['timed-out', 'RunTimedOut'],
])('a run that was collected as %s fails as %s, with its sentence as the cause', async (outcome, error) => {
  const { record } = await play({ collect: () => ({ outcome, error, cause: 'Sentence. Why. Next.' }) });
  expect(record).toMatchObject({ status: 'FAILED', error, cause: 'Sentence. Why. Next.' });
});
