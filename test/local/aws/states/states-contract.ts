import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatesPort } from '../../../../aws/ports.ts';

export interface StatesProvider {
  states: StatesPort;
  /** Of {@link CONTRACT_MACHINE}. */
  stateMachineArn: string;
  /** The token that the function was called with for the execution of this name, once it was. */
  token(name: string): Promise<string>;
  /** Waits until that execution has ended. */
  ended(name: string): Promise<void>;
  close(): Promise<void>;
}

/** What a provider has not; docs/aws-facts.md says so, too. */
export type StatesLack = 'names and inputs that are refused' | 'a stop at once' | 'tokens that were used';

/** Waits for a token that the function is given, with the execution's name. */
export const CONTRACT_MACHINE = {
  StartAt: 'Wait',
  States: {
    Wait: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: {
        FunctionName: 'submit',
        Payload: { 'token.$': '$$.Task.Token', 'name.$': '$$.Execution.Name' },
      },
      End: true,
    },
  },
};

/** What this system rests on of Step Functions' API, run over every provider of it. */
export function statesContract(
  provided: string,
  open: () => Promise<StatesProvider>,
  lacks: readonly StatesLack[] = [],
): void {
  describe(`Step Functions: ${provided}`, () => {
    let provider: StatesProvider;
    beforeAll(async () => {
      provider = await open();
    });
    afterAll(() => provider?.close());
    const unless = (lack: StatesLack, title: string, test: () => Promise<void>) => {
      if (!lacks.includes(lack)) it(title, test);
    };
    const arnOf = (name: string) =>
      `${provider.stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
    const start = (name: string, input = '{"a":1}') =>
      provider.states.startExecution({ stateMachineArn: provider.stateMachineArn, name, input });
    const look = (name: string) => provider.states.describeExecution({ executionArn: arnOf(name) });
    const succeed = (taskToken: string, output = '{"done":true}') =>
      provider.states.sendTaskSuccess({ taskToken, output });
    const finish = async (name: string) => {
      await succeed(await provider.token(name));
      await provider.ended(name);
    };
    const nameOf = (promise: Promise<unknown>) =>
      promise.then(
        () => 'no error',
        (error: Error) => error.name,
      );

    it('an execution has an ARN that follows from its name, and is what it was started as', async () => {
      const { executionArn, startDate } = await start('described');
      expect(executionArn).toBe(arnOf('described'));
      expect(startDate).toBeInstanceOf(Date);
      const execution = await look('described');
      expect(execution).toMatchObject({
        executionArn,
        stateMachineArn: provider.stateMachineArn,
        name: 'described',
        status: 'RUNNING',
        input: '{"a":1}',
        startDate,
      });
      expect([execution.stopDate, execution.output]).toEqual([undefined, undefined]);
    });

    it('the same name and input is the same execution while it runs, and taken when it has ended', async () => {
      const first = await start('same');
      const again = await start('same');
      expect(again).toMatchObject({ executionArn: first.executionArn, startDate: first.startDate });
      expect(await nameOf(start('same', '{"a":2}'))).toBe('ExecutionAlreadyExists');
      await finish('same');
      expect(await nameOf(start('same'))).toBe('ExecutionAlreadyExists');
    });

    it('refuses a machine that does not exist, and an execution that never was', async () => {
      const elsewhere = { stateMachineArn: `${provider.stateMachineArn}x` };
      expect(await nameOf(provider.states.startExecution(elsewhere))).toBe('StateMachineDoesNotExist');
      expect(await nameOf(look('nobodys'))).toBe('ExecutionDoesNotExist');
      const stop = { executionArn: arnOf('nobodys') };
      expect(await nameOf(provider.states.stopExecution(stop))).toBe('ExecutionDoesNotExist');
    });

    it('refuses what is no ARN', async () => {
      const describing = provider.states.describeExecution({ executionArn: 'arn:none' });
      expect(await nameOf(describing)).toBe('InvalidArn');
    });

    unless(
      'names and inputs that are refused',
      'refuses names of other signs, long ones, and an input that is no JSON',
      async () => {
        for (const name of ['a b', 'a'.repeat(81)])
          expect(await nameOf(start(name)), name).toBe('InvalidName');
        expect(await nameOf(start('no-json', '{'))).toBe('InvalidExecutionInput');
      },
    );

    it('SendTaskSuccess ends the wait with its output', async () => {
      await start('succeeds');
      await finish('succeeds');
      const execution = await look('succeeds');
      expect(execution.status).toBe('SUCCEEDED');
      expect(JSON.parse(execution.output ?? '')).toEqual({ done: true });
      expect(execution.stopDate?.getTime()).toBeGreaterThanOrEqual(
        execution.startDate?.getTime() ?? Infinity,
      );
    });

    it('a token that was never given is refused', async () => {
      expect(await nameOf(succeed('nobodys'))).toBe('InvalidToken');
    });

    unless('tokens that were used', 'a token completes its task once', async () => {
      await start('once');
      const token = await provider.token('once');
      expect(await nameOf(succeed(token, 'no JSON'))).toBe('InvalidOutput');
      await finish('once');
      expect(await nameOf(succeed(token))).toBe('TaskTimedOut');
    });

    unless('a stop at once', 'StopExecution ends it at once, and once', async () => {
      await start('stopped');
      const token = await provider.token('stopped');
      const stop = (cause: string) =>
        provider.states.stopExecution({ executionArn: arnOf('stopped'), error: 'Cancelled', cause });
      const { stopDate } = await stop('first');
      expect(await look('stopped')).toMatchObject({
        status: 'ABORTED',
        error: 'Cancelled',
        cause: 'first',
        stopDate,
      });
      await stop('second');
      expect(await look('stopped')).toMatchObject({ cause: 'first', stopDate });
      expect(await nameOf(succeed(token))).toBe('TaskTimedOut');
    });
  });
}
