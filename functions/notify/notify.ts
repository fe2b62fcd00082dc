import { untold } from '../../experiment/notify/delivery-lease.ts';
import { changeKey, enteredStates, figuresOf, runChange } from '../../experiment/notify/run-changes.ts';
import type { StateChange } from '../../experiment/notify/state-change-event.ts';
import type { Plan } from '../../experiment/plan/plan.ts';
import type { Control } from '../../experiment/records/control.ts';
import type { EnteredState, Status } from '../../experiment/records/status.ts';
import { MAX_SUMMARY_BYTES } from '../../experiment/records/summary.ts';
import type { RunView } from '../../experiment/run/next-step.ts';
import type { CountedEvent, FunctionDeps } from '../deps.ts';
import type { RunStores } from '../stores/run-stores.ts';
import type { Message } from './deliver.ts';
import { tell } from './deliver.ts';

/** What of a run there is to tell, and to whom. */
export interface RunNews {
  control: Control;
  status: Status | undefined;
  /** Undefined where the run's folder is gone: then nobody knows who wanted a mail. */
  plan: Pick<Plan, 'notify'> | undefined;
}

/** The news of a run as it was seen. While its execution runs it may still have another word to say of what the run came to. */
export function newsOf({ control, execution, plan }: RunView, status: Status | undefined): RunNews {
  return {
    control: execution?.status === 'RUNNING' ? { ...control, ended: undefined } : control,
    status,
    plan,
  };
}

/** Whether people have not been told of something yet. */
export function hasUntold({ deployment }: Pick<FunctionDeps, 'deployment'>, news: RunNews): boolean {
  return untold(news.control.told, keysOf(deployment.topicArn, news)).length > 0;
}

/**
 * Tells every state that the run has entered and nobody was told of: an event each, and a mail where the manifest wants
 * one. The end's figures become metrics, once, with its event.
 * @returns whether all has been told; false when another copy is at it
 */
export async function tellRun(
  deps: FunctionDeps,
  { bucket, control: store, records }: RunStores,
  news: RunNews,
): Promise<boolean> {
  const { control, status } = news;
  const entered = enteredStates(control, status);
  const figures =
    control.ended === undefined
      ? undefined
      : figuresOf((await bucket.readUntrusted(records.keys.summary, { maxBytes: MAX_SUMMARY_BYTES }))?.text);
  const messages = entered.flatMap((one): Message[] => {
    const change = runChange(control, status, one, figures);
    return keysOfState(deps.deployment.topicArn, news, one).map((key) => ({
      key,
      kind: key.startsWith(MAIL) ? 'mail' : 'event',
      change,
    }));
  });
  return tell(
    deps,
    async (decide) => {
      const standing = await store.change((now) => {
        const told = decide(now.told);
        return told === undefined ? undefined : { ...now, told };
      });
      return standing?.told;
    },
    messages,
    ({ kind, change }) => {
      if (kind === 'event') measure(deps, change);
    },
  );
}

const MAIL = 'mail:';

function keysOf(topicArn: string | undefined, news: RunNews): string[] {
  return enteredStates(news.control, news.status).flatMap((one) => keysOfState(topicArn, news, one));
}

function keysOfState(topicArn: string | undefined, { plan }: RunNews, one: EnteredState): string[] {
  const key = changeKey(one);
  const notify: readonly string[] = Array.isArray(plan?.notify) ? plan.notify : [];
  return topicArn !== undefined && notify.includes(one.state) ? [key, `${MAIL}${key}`] : [key];
}

const COUNTED: Partial<Record<StateChange['state'], CountedEvent>> = {
  succeeded: 'RunSucceeded',
  failed: 'RunFailed',
  cancelled: 'RunCancelled',
  'timed-out': 'RunTimedOut',
  stuck: 'RunStuck',
};

function measure({ metrics }: Pick<FunctionDeps, 'metrics'>, { state, figures }: StateChange): void {
  const counted = COUNTED[state];
  if (counted !== undefined) metrics.count(counted);
  if (figures === undefined) return;
  metrics.measure('TasksSucceeded', figures.tasks.succeeded);
  metrics.measure('TasksFailed', figures.tasks.failed);
  if (figures.tasks.lost !== undefined) metrics.measure('TasksLost', figures.tasks.lost);
  metrics.measure('NodeHours', figures.nodeHours);
  if (figures.queuedSeconds !== null) metrics.measure('QueueSeconds', figures.queuedSeconds);
  if (figures.joinSeconds !== null) metrics.measure('JoinSeconds', figures.joinSeconds);
  if (figures.runSeconds !== null) metrics.measure('RunSeconds', figures.runSeconds);
}
