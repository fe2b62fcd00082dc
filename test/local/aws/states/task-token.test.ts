import { describe, expect, it } from 'vitest';
import { invokeAndWait, makeMachine, named } from '../../../support/states-machine.ts';

/** One task that waits for its token, and the tokens that its function was given. */
function waitingMachine(more: object = {}, others: object = {}) {
  const given: { token: string; attempt: number }[] = [];
  const machine = makeMachine(
    { StartAt: 'Wait', States: { Wait: invokeAndWait('take', { End: true, ...more }), ...others } },
    {
      take: async (payload) => {
        given.push(payload as { token: string; attempt: number });
        return 'not the result of the task';
      },
    },
  );
  const token = (attempt = 0) => given[attempt]?.token ?? 'none';
  const untilCalled = (calls = 1) => machine.clock.runUntil(() => given.length >= calls, 3_600_000);
  const succeed = (attempt: number, output: unknown) =>
    machine.port.sendTaskSuccess({ taskToken: token(attempt), output: JSON.stringify(output) });
  const fail = async (attempt: number, error: string, cause = '') =>
    machine.states.failTask(token(attempt), error, cause);
  return { ...machine, given, token, untilCalled, succeed, fail };
}

describe('a task that waits for its token', () => {
  it("ends with what SendTaskSuccess brings, not with the function's result", async () => {
    const machine = waitingMachine();
    await machine.start();
    await machine.untilCalled();
    await machine.clock.advance(3 * 24 * 3600 * 1000);
    expect(machine.record().status).toBe('RUNNING');
    await machine.succeed(0, { exitCode: 0 });
    const { status, output } = await machine.untilEnd();
    expect([status, output]).toEqual(['SUCCEEDED', '{"exitCode":0}']);
  });

  it('takes a token that comes back before the function has answered', async () => {
    const machine = makeMachine(
      { StartAt: 'Wait', States: { Wait: invokeAndWait('hasty', { End: true }) } },
      {
        hasty: async (payload) => {
          const { token } = payload as { token: string };
          await machine.port.sendTaskSuccess({ taskToken: token, output: '"early"' });
          throw named('TooLate');
        },
      },
    );
    await machine.start();
    const { status, output } = await machine.untilEnd();
    expect([status, output]).toEqual(['SUCCEEDED', '"early"']);
  });

  it('fails when the function fails, although nobody sends the token back', async () => {
    const machine = makeMachine(
      { StartAt: 'Wait', States: { Wait: invokeAndWait('broken', { End: true }) } },
      {
        broken: async () => {
          throw named('ServiceUnavailable', 'try later');
        },
      },
    );
    await machine.start();
    const { status, error, cause } = await machine.untilEnd();
    expect([status, error]).toEqual(['FAILED', 'ServiceUnavailable']);
    expect(JSON.parse(cause ?? '')).toMatchObject({
      errorType: 'ServiceUnavailable',
      errorMessage: 'try later',
    });
  });

  it('gives each attempt a token of its own and tells it how often it was retried', async () => {
    const machine = waitingMachine({ Retry: [{ ErrorEquals: ['NodesMissing'], IntervalSeconds: 30 }] });
    await machine.start();
    await machine.untilCalled();
    await machine.fail(0, 'NodesMissing', 'two of four came');
    await machine.untilCalled(2);
    expect(machine.given.map(({ attempt }) => attempt)).toEqual([0, 1]);
    expect(machine.token(1)).not.toBe(machine.token(0));
    expect(machine.seconds()).toBe(30);
    await expect(machine.succeed(0, {})).rejects.toThrow(expect.objectContaining({ name: 'TaskTimedOut' }));
    await machine.succeed(1, 'second');
    expect((await machine.untilEnd()).output).toBe('"second"');
  });

  it('starts its time limit anew on each retry, and reads it from a path', async () => {
    const machine = waitingMachine({
      TimeoutSecondsPath: '$.limit',
      Retry: [{ ErrorEquals: ['States.Timeout'], IntervalSeconds: 10, MaxAttempts: 1 }],
    });
    await machine.start({ limit: 100 });
    const { status, error } = await machine.untilEnd();
    expect([status, error, machine.seconds()]).toEqual(['FAILED', 'States.Timeout', 210]);
    expect(machine.given).toHaveLength(2);
  });
});

describe('a token', () => {
  it('completes its task once', async () => {
    const machine = waitingMachine();
    await machine.start();
    await machine.untilCalled();
    await machine.succeed(0, 1);
    await expect(machine.fail(0, 'Late')).rejects.toThrow(expect.objectContaining({ name: 'TaskTimedOut' }));
    expect((await machine.untilEnd()).output).toBe('1');
  });

  it('is dead once its execution was stopped', async () => {
    const machine = waitingMachine();
    const { executionArn } = await machine.start();
    await machine.untilCalled();
    await machine.port.stopExecution({ executionArn, error: 'cancelled', cause: 'by ada' });
    await machine.clock.advance(0);
    await expect(machine.succeed(0, {})).rejects.toThrow(expect.objectContaining({ name: 'TaskTimedOut' }));
    expect(machine.record()).toMatchObject({ status: 'ABORTED', error: 'cancelled', cause: 'by ada' });
    expect(machine.record().history.at(-1)?.type).toBe('ExecutionAborted');
  });

  it('that was never given, or is none, is refused by name', async () => {
    const { port } = waitingMachine();
    const send = (taskToken: string) => port.sendTaskSuccess({ taskToken, output: '{}' });
    await expect(send('token-0')).rejects.toThrow(expect.objectContaining({ name: 'TaskDoesNotExist' }));
    await expect(send('nonsense')).rejects.toThrow(expect.objectContaining({ name: 'InvalidToken' }));
  });

  it('takes only JSON within the limits of the API', async () => {
    const machine = waitingMachine();
    await machine.start();
    await machine.untilCalled();
    const taskToken = machine.token();
    const send = (output: string) => machine.port.sendTaskSuccess({ taskToken, output });
    await expect(send('{')).rejects.toThrow(expect.objectContaining({ name: 'InvalidOutput' }));
    await expect(send(JSON.stringify('x'.repeat(262_144)))).rejects.toThrow(
      expect.objectContaining({ name: 'ValidationException' }),
    );
    expect(machine.record().status).toBe('RUNNING');
  });
});
