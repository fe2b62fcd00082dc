import { readFileSync } from 'node:fs';
import { Bucket } from '../../aws/bucket.ts';
import type { StatesPort } from '../../aws/ports.ts';
import { makeCollect } from '../../functions/collect/collect.ts';
import type { FunctionDeps } from '../../functions/deps.ts';
import { makeIngest } from '../../functions/ingest/ingest.ts';
import { makeSettle } from '../../functions/settle/settle.ts';
import { makeSubmit } from '../../functions/submit/submit.ts';
import type { EventBus } from '../aws/events/bus.ts';
import { addRules } from '../aws/events/rules.ts';
import { scheduledEvent } from '../aws/events/services.ts';
import { LocalStates } from '../aws/states/states.ts';
import { statusChangeEvent } from '../aws/states/status-change-event.ts';
import { ownFiles } from '../util/list-own-files.ts';
import { LOCAL_FUNCTIONS } from './deployment.ts';
import { findEarlierRuns, withEarlierExecutions, withEarlierJobs } from './earlier-runs.ts';

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
  const earlier = await findEarlierRuns(new Bucket(s3, bucket, clock), nonce);
  const states = withEarlierExecutions(localStates, stateMachineArn, earlier);
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
