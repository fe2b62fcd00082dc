import type { Clock } from '../../../../experiment/util/clock.ts';
import type { LocalStates } from '../../../../local/aws/states/states.ts';
import type { Faults } from './faults.ts';

const EVERY_MS = 60_000;

interface Surroundings {
  clock: Clock;
  faults: Faults;
  localStates: LocalStates;
  /** The last token that each run's state `Run` was given. */
  tokens: ReadonlyMap<string, string>;
  /** Runs that were ended here, and when. */
  hurt: Map<string, number>;
}

/** Once a minute, what Step Functions itself may do to the executions that run. */
export async function hurtExecutions(around: Surroundings): Promise<never> {
  for (;;) {
    await around.clock.sleep(EVERY_MS);
    for (const { name, status, executionArn } of around.localStates.records())
      if (status === 'RUNNING') hurtOne(around, name, executionArn);
  }
}

function hurtOne(
  { clock, faults, localStates, tokens, hurt }: Surroundings,
  name: string,
  executionArn: string,
): void {
  if (faults.strikes('execution-failed-outside')) {
    hurt.set(name, clock.now());
    localStates.failExecution(executionArn, 'States.Runtime', 'simulated');
  }
  const timedOut = faults.strikes('task-timed-out');
  const replaced = faults.strikes('token-replaced');
  if (!timedOut && !replaced) return;
  if (timedOut) hurt.set(name, clock.now());
  const error = timedOut ? 'States.Timeout' : 'Lambda.Unknown';
  try {
    localStates.failTask(tokens.get(name) ?? '', error, 'simulated');
  } catch {
    // The token is worth nothing any more: the state had gone on.
  }
}
