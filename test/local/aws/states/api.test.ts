import { describe, expect, it } from 'vitest';
import { statusChangeEvent } from '../../../../local/aws/states/status-change-event.ts';
import { invokeAndWait, MACHINE, makeMachine } from '../../../support/states-machine.ts';

/** One task whose time is over after a minute, with nothing lost by it. */
const waiting = () =>
  makeMachine(
    {
      StartAt: 'Wait',
      States: {
        Wait: invokeAndWait('nothing', {
          TimeoutSeconds: 60,
          Catch: [{ ErrorEquals: ['States.Timeout'], ResultPath: null, Next: 'Done' }],
          End: true,
        }),
        Done: { Type: 'Succeed' },
      },
    },
    { nothing: async () => undefined },
  );
const named = (name: string) => expect.objectContaining({ name });

describe('StartExecution', () => {
  it('with the same name and input is the same execution, as long as it runs', async () => {
    const machine = waiting();
    const first = await machine.start({ a: 1 });
    await machine.clock.advance(5_000);
    const again = await machine.start({ a: 1 });
    expect(again.executionArn).toBe(first.executionArn);
    expect(again.startDate).toEqual(first.startDate);
    await expect(machine.start({ a: 2 })).rejects.toThrow(named('ExecutionAlreadyExists'));
    await machine.untilEnd();
    await expect(machine.start({ a: 1 })).rejects.toThrow(named('ExecutionAlreadyExists'));
    expect(machine.statuses).toEqual(['one RUNNING', 'one SUCCEEDED']);
  });

  it('refuses what AWS refuses, by the same names', async () => {
    const { port } = waiting();
    const start = (given: { stateMachineArn?: string; name?: string; input?: string }) =>
      port.startExecution({ stateMachineArn: MACHINE, ...given });
    await expect(start({ stateMachineArn: `${MACHINE}s` })).rejects.toThrow(
      named('StateMachineDoesNotExist'),
    );
    await expect(start({ name: 'x'.repeat(81) })).rejects.toThrow(named('InvalidName'));
    await expect(start({ name: 'a b' })).rejects.toThrow(named('InvalidName'));
    await expect(start({ input: '{' })).rejects.toThrow(named('InvalidExecutionInput'));
    await expect(start({ input: JSON.stringify('x'.repeat(262_144)) })).rejects.toThrow(
      named('ValidationException'),
    );
  });

  it('answers before the first state is entered', async () => {
    const machine = waiting();
    await machine.start();
    expect(machine.record().history.map(({ type }) => type)).toEqual(['ExecutionStarted']);
  });
});

describe('the other calls', () => {
  it('describe an execution while it runs and when it has ended', async () => {
    const machine = waiting();
    await machine.start({ a: 1 });
    expect(await machine.describe()).toMatchObject({ status: 'RUNNING', input: '{"a":1}' });
    expect(await machine.describe()).not.toHaveProperty('stopDate');
    await machine.untilEnd();
    expect(await machine.describe()).toMatchObject({
      status: 'SUCCEEDED',
      output: '{"a":1}',
      stopDate: new Date('2026-01-01T00:01:00Z'),
    });
  });

  it('stop one at once, and stopping it again changes nothing', async () => {
    const machine = waiting();
    const { executionArn } = await machine.start();
    await machine.clock.advance(1_000);
    const stop = (cause: string) => machine.port.stopExecution({ executionArn, cause });
    await stop('first');
    await stop('second');
    await machine.clock.advance(120_000);
    expect(await machine.describe()).toMatchObject({ status: 'ABORTED', cause: 'first' });
    expect(machine.statuses).toEqual(['one RUNNING', 'one ABORTED']);
  });

  it('refuse an execution that does not exist', async () => {
    const { port } = waiting();
    await expect(
      port.describeExecution({
        executionArn: `${MACHINE.replace('stateMachine', 'execution')}:none`,
      }),
    ).rejects.toThrow(named('ExecutionDoesNotExist'));
    await expect(
      port.stopExecution({ executionArn: `${MACHINE.replace('stateMachine', 'execution')}:none` }),
    ).rejects.toThrow(named('ExecutionDoesNotExist'));
  });

  it('close the system with nothing left that waits', async () => {
    const machine = waiting();
    await machine.start();
    await machine.clock.advance(1_000);
    await machine.states.close();
    expect(machine.record()).toMatchObject({ status: 'ABORTED', error: 'LocalSystemClosed' });
    const before = machine.clock.now();
    expect(await machine.clock.runUntil(() => machine.clock.now() > before, 60_000)).toBe(false);
  });
});

describe('an event of a status change', () => {
  it('has the shape of EventBridge', async () => {
    const machine = waiting();
    await machine.start({ a: 1 });
    const event = statusChangeEvent(machine.record(), 'event-1', machine.clock.now());
    expect(event).toMatchObject({
      source: 'aws.states',
      'detail-type': 'Step Functions Execution Status Change',
      region: 'eu-central-1',
      account: '000000000000',
      resources: [machine.record().executionArn],
      detail: { name: 'one', status: 'RUNNING', input: '{"a":1}', stopDate: null, output: null },
    });
  });
});
