import { readFileSync } from 'node:fs';
import type { StatesPort } from '../experiment/ports.ts';
import { Bucket } from '../functions/bucket.ts';
import { makeCollect } from '../functions/collect.ts';
import { ControlStore } from '../functions/control-store.ts';
import type { FunctionDeps } from '../functions/function-deps.ts';
import { makeIngest } from '../functions/ingest.ts';
import { makeSettle } from '../functions/settle.ts';
import { makeSubmit } from '../functions/submit.ts';
import { scheduledEvent } from './bus-events.ts';
import { LOCAL_FUNCTIONS } from './deployment.ts';
import { findEarlierRuns, withEarlierExecutions, withEarlierJobs } from './earlier-runs.ts';
import type { EventBus } from './events.ts';
import { ownFiles } from './own-files.ts';
import { addRules } from './rules.ts';
import { LocalStates } from './states/local-states.ts';
import { StatesInProcess } from './states/states-in-process.ts';
import { statusChangeEvent } from './states/status-change-event.ts';

/** A minute on AWS. */
const SCHEDULE_MS = 1000;

export interface ControlPlane {
  states: StatesPort;
  close(): Promise<void>;
}

/** The real handlers and the real state machine, called by the bus's events and by its schedule as the deployment says. */
export async function startControlPlane(
  around: Omit<FunctionDeps, 'states'>,
  bus: EventBus,
): Promise<ControlPlane> {
  const { s3, clock, nonce, deployment } = around;
  const { bucket, stateMachineArn } = deployment;
  const localStates = new LocalStates({
    clock,
    nonce,
    random: Math.random,
    stateMachineArn,
    definition: readFileSync(ownFiles.definition, 'utf8'),
    substitutions: {
      SubmitFunctionArn: LOCAL_FUNCTIONS.submit,
      SettleFunctionArn: LOCAL_FUNCTIONS.settle,
      CollectFunctionArn: LOCAL_FUNCTIONS.collect,
    },
    // The functions need the state machine, which calls them only once they are there.
    functions: {
      [LOCAL_FUNCTIONS.submit]: (payload) => submit(payload),
      [LOCAL_FUNCTIONS.settle]: (payload) => settle(payload),
      [LOCAL_FUNCTIONS.collect]: (payload) => collect(payload),
    },
    onStatus: (execution) => bus.putEvent(statusChangeEvent(execution, nonce(), clock.now())),
  });
  const earlier = await findEarlierRuns(new ControlStore(new Bucket(s3, bucket, clock), nonce));
  const states = withEarlierExecutions(new StatesInProcess(localStates), stateMachineArn, earlier);
  const batch = withEarlierJobs(around.batch, earlier, clock.now());
  const deps: FunctionDeps = { ...around, batch, states };
  const ingest = makeIngest(deps);
  const submit = makeSubmit(deps);
  const settle = makeSettle(deps);
  const collect = makeCollect(deps);
  addRules(bus, deployment, { ingest, settle });
  bus.addSchedule('settle', SCHEDULE_MS, () => scheduledEvent('settle', nonce(), clock.now()), settle);
  return { states, close: () => localStates.close() };
}
