import { describe, expect, it } from 'vitest';
import { invoke, invokeAndWait, makeMachine, runMachine } from '../../../support/states-machine.ts';

const echo = { echo: async (payload: unknown) => payload };

describe('what a state is given and hands on', () => {
  it('goes through Parameters, ResultSelector and ResultPath in this order', async () => {
    const { output } = await runMachine(
      {
        StartAt: 'Task',
        States: {
          Task: invoke('echo', {
            Parameters: {
              FunctionName: 'echo',
              Payload: { 'from.$': '$.inner.value', fixed: 1, deep: { 'x.$': '$.inner' } },
            },
            ResultSelector: { 'picked.$': '$.Payload', 'status.$': '$.StatusCode' },
            ResultPath: '$.inner.result',
            End: true,
          }),
        },
      },
      { inner: { value: 7 }, outer: true },
      echo,
    );
    expect(output).toEqual({
      inner: { value: 7, result: { picked: { from: 7, fixed: 1, deep: { x: { value: 7 } } }, status: 200 } },
      outer: true,
    });
  });

  it('tells the states apart by the context object', async () => {
    const { record, output } = await runMachine(
      {
        StartAt: 'Look',
        States: {
          Look: invoke('echo', {
            Parameters: {
              FunctionName: 'echo',
              Payload: {
                'id.$': '$$.Execution.Id',
                'name.$': '$$.Execution.Name',
                'input.$': '$$.Execution.Input.run',
                'state.$': '$$.State.Name',
                'entered.$': '$$.State.EnteredTime',
                'machine.$': '$$.StateMachine.Name',
              },
            },
            End: true,
          }),
        },
      },
      { run: 'a' },
      echo,
    );
    expect(output).toHaveProperty('Payload', {
      id: record.executionArn,
      name: 'one',
      input: 'a',
      state: 'Look',
      entered: '2026-01-01T00:00:00.000Z',
      machine: 'small',
    });
  });

  it('ends the execution, past every catch, when a path leads nowhere', async () => {
    const { record } = await runMachine(
      {
        StartAt: 'Task',
        States: {
          Task: invoke('echo', {
            Parameters: { FunctionName: 'echo', Payload: { 'gone.$': '$.gone' } },
            Retry: [{ ErrorEquals: ['States.ALL'] }],
            Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }],
            End: true,
          }),
          Caught: { Type: 'Succeed' },
        },
      },
      { here: 1 },
      echo,
    );
    expect(record).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: `The JSONPath '$.gone' specified for the field 'gone.$' could not be found in the input '{"here":1}'`,
    });
  });

  it('ends the execution, past every catch, over 256 KiB of UTF-8', async () => {
    const big = (characters: number) =>
      runMachine(
        {
          StartAt: 'Task',
          States: {
            Task: invoke('grow', {
              ResultSelector: { 'text.$': '$.Payload' },
              Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }],
              End: true,
            }),
            Caught: { Type: 'Succeed' },
          },
        },
        {},
        { grow: async () => 'ü'.repeat(characters) },
      );
    expect((await big(130_000)).record.status).toBe('SUCCEEDED');
    expect((await big(131_072)).record).toMatchObject({
      status: 'FAILED',
      error: 'States.DataLimitExceeded',
    });
  });

  it('keeps what a function does to its payload out of the execution', async () => {
    const { output } = await runMachine(
      { StartAt: 'Task', States: { Task: invoke('spoil', { ResultPath: null, End: true }) } },
      { kept: { deep: true } },
      {
        spoil: async (payload) => {
          Object.assign(payload as object, { kept: 'spoiled' });
        },
      },
    );
    expect(output).toEqual({ kept: { deep: true } });
  });

  it('sees of a result what JSON keeps of it', async () => {
    const { output } = await runMachine(
      {
        StartAt: 'Task',
        States: { Task: invoke('odd', { ResultSelector: { 'odd.$': '$.Payload' }, End: true }) },
      },
      {},
      { odd: async () => ({ at: new Date(0), gone: undefined, nan: Number.NaN }) },
    );
    expect(output).toHaveProperty('odd', { at: '1970-01-01T00:00:00.000Z', nan: null });
  });
});

/** As CloudFormation's DefinitionSubstitutions replace it. */
const reference = (name: string) => `\${${name}}`;

describe('a definition', () => {
  const task = invoke('echo', { End: true });
  const machineOf = (state: object, top: object = {}) => ({ StartAt: 'A', States: { A: state }, ...top });
  const choiceOf = (rule: object) => machineOf({ Type: 'Choice', Choices: [rule], Default: 'A' });
  it.each<[string, object]>([
    ['a state type', machineOf({ Type: 'Parallel', Branches: [], End: true })],
    ['a field', machineOf({ ...task, Credentials: { RoleArn: 'x' } })],
    ['a field at the top', machineOf(task, { Tracing: true })],
    ['JSONata', machineOf(task, { QueryLanguage: 'JSONata' })],
    ['JSONata of one state', machineOf({ ...task, QueryLanguage: 'JSONata' })],
    ['variables', machineOf({ ...task, Assign: { x: 1 } })],
    ['another resource', machineOf({ ...task, Resource: 'arn:aws:states:::batch:submitJob.sync' })],
    [
      'another parameter of lambda:invoke',
      machineOf({ ...task, Parameters: { FunctionName: 'echo', Qualifier: '1' } }),
    ],
    ['an intrinsic function', machineOf({ ...task, ResultSelector: { 'x.$': "States.Format('{}', $.a)" } })],
    ['a path with several answers', machineOf({ ...task, TimeoutSecondsPath: '$.a[*]' })],
    ['a filter', machineOf({ ...task, TimeoutSecondsPath: '$.a[?(@.b)]' })],
    ['an item of a list', machineOf({ ...task, TimeoutSecondsPath: '$.a[0]' })],
    ['a quoted name', machineOf({ ...task, TimeoutSecondsPath: "$['a']" })],
    ['a list in a template', machineOf({ ...task, ResultSelector: { x: [1] } })],
    ['a template field that is no path', machineOf({ ...task, ResultSelector: { 'x.$': 1 } })],
    ['a choice operator', choiceOf({ Variable: '$.a', StringMatches: 'x', Next: 'A' })],
    ['two operators in a rule', choiceOf({ Variable: '$.a', StringEquals: 'x', IsString: true, Next: 'A' })],
    ['a literal of another type', choiceOf({ Variable: '$.a', StringEquals: 1, Next: 'A' })],
    ['a retrier field', machineOf({ ...task, Retry: [{ ErrorEquals: ['States.ALL'], Interval: 1 }] })],
    [
      'a rule behind States.ALL',
      machineOf({ ...task, Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['X'] }] }),
    ],
    [
      'a catch of what cannot be caught',
      machineOf({ ...task, Catch: [{ ErrorEquals: ['States.Runtime'], Next: 'A' }] }),
    ],
    ['Next and End', machineOf({ ...task, Next: 'A' })],
    ['a rule of rules', choiceOf({ Not: { Variable: '$.a', StringEquals: 'x' }, Next: 'A' })],
    [
      'no Default',
      machineOf({ Type: 'Choice', Choices: [{ Variable: '$.a', StringEquals: 'x', Next: 'A' }] }),
    ],
    ['neither Next nor End', machineOf(invoke('echo'))],
    ['a Next that leads nowhere', machineOf(invoke('echo', { Next: 'B' }))],
    ['a state that nothing leads to', { StartAt: 'A', States: { A: task, B: task } }],
    ['a catch that leads nowhere', machineOf({ ...task, Catch: [{ ErrorEquals: ['X'], Next: 'B' }] })],
    ['two time limits', machineOf({ ...task, TimeoutSeconds: 1, TimeoutSecondsPath: '$.s' })],
    ['a pass', machineOf({ Type: 'Pass', End: true })],
    ['a wait', machineOf({ Type: 'Wait', Seconds: 1, End: true })],
    ['a heartbeat', machineOf({ ...invokeAndWait('echo', { End: true }), HeartbeatSeconds: 5 })],
    ['an error that no path leads to', machineOf({ Type: 'Fail', Error: 'X', Cause: 'y' })],
    ['a part of the input', machineOf({ ...task, InputPath: '$.a' })],
    ['a time limit of the machine', machineOf(task, { TimeoutSeconds: 60 })],
    ['a function that does not exist', machineOf(invoke('nobody', { End: true }))],
    ['a reference that nothing is given for', machineOf(invoke(reference('Missing'), { End: true }))],
  ])('is refused for %s that is not interpreted', (_, definition) => {
    expect(() => makeMachine(definition, echo)).toThrow(
      expect.objectContaining({ name: 'UnsupportedDefinition' }),
    );
  });

  it('is told all its faults at once', () => {
    const definition = machineOf({ ...task, Credentials: {}, Retry: [{ ErrorEquals: [] }] });
    expect(() => makeMachine(definition, echo)).toThrow(
      /Credentials[\s\S]*ErrorEquals|ErrorEquals[\s\S]*Credentials/,
    );
  });

  it('takes the names that CloudFormation puts into it', async () => {
    const machine = makeMachine(
      machineOf(invoke(reference('EchoArn'), { End: true })),
      { 'a:"b"': async () => 1 },
      {
        substitutions: { EchoArn: 'a:"b"' },
      },
    );
    await machine.start();
    expect((await machine.untilEnd()).status).toBe('SUCCEEDED');
  });
});
