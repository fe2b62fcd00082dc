import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { makeMachine, named } from '../../../support/states-machine.ts';
import type { Outcome, Script } from './other-interpreter.ts';
import { runInOtherInterpreter } from './other-interpreter.ts';
import type { SmallMachine } from './small-machines.ts';
import { smallMachine } from './small-machines.ts';

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'Date'],
    now: Date.parse('2026-01-01T00:00:00Z'),
  });
});
afterEach(() => {
  vi.useRealTimers();
});

it('two interpreters agree on output or error, on every call of a function, and on the time of each', async () => {
  const seen = { succeeded: 0, failed: 0, waited: 0, called: 0 };
  await fc.assert(
    fc.asyncProperty(smallMachine, async (machine) => {
      vi.setSystemTime(Date.parse('2026-01-01T00:00:00Z'));
      const ours = await runOurs(machine);
      expect(ours).toEqual(await runOther(machine));
      seen.succeeded += ours.error === undefined ? 1 : 0;
      seen.failed += ours.error === undefined ? 0 : 1;
      seen.waited += ours.ended > 0 ? 1 : 0;
      seen.called += ours.calls.length > 0 ? 1 : 0;
    }),
    { numRuns: 1500, seed: 20260101 },
  );
  // The machines do reach what they are made for.
  for (const times of Object.values(seen)) expect(times).toBeGreaterThan(40);
});

async function runOurs({ definition, input, script }: SmallMachine): Promise<Outcome> {
  const calls: number[] = [];
  const machine = makeMachine(definition, { act: actor(script, calls, () => machine.seconds()) });
  await machine.start(input);
  const { output, error, stoppedAt, startedAt } = await machine.untilEnd();
  return {
    ...(output === undefined ? { error: error ?? '' } : { output: withPlainCauses(JSON.parse(output)) }),
    calls,
    ended: ((stoppedAt ?? startedAt) - startedAt) / 1000,
  };
}

async function runOther({ definition, input, script }: SmallMachine): Promise<Outcome> {
  const calls: number[] = [];
  const started = Date.now();
  const tasks = Object.entries(definition.States)
    .filter(([, state]) => 'Resource' in state)
    .map(([name]) => name);
  const act = actor(script, calls, () => (Date.now() - started) / 1000);
  return { ...(await runInOtherInterpreter(definition, input, tasks, act)), calls };
}

/** A function that follows the script and answers with what it was given. */
function actor(script: Script, calls: number[], now: () => number) {
  return async (payload: unknown): Promise<unknown> => {
    const doing = script[calls.length];
    calls.push(now());
    if (doing === 'hang') return new Promise(() => undefined);
    if (doing !== undefined) throw named(doing);
    return { given: payload };
  };
}

/** Our Cause is what Lambda or Step Functions says in full; the other's is the bare message, or the error's name. */
function withPlainCauses(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPlainCauses);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.fromEntries(
    Object.entries(value).map(([key, field]) => [key, withPlainCauses(field)]),
  );
  return typeof fields.Cause === 'string'
    ? { ...fields, Cause: plainCause(fields.Cause, fields.Error) }
    : fields;
}

function plainCause(cause: string, error: unknown): unknown {
  return cause.startsWith('{') ? JSON.parse(cause).errorMessage : error;
}
