import { RUNS_PAGE_KEY, runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import { asRunIndex } from '../../../../experiment/run-list/page-index.ts';
import { dataOfRunsPage } from '../../../../report/runs-page.ts';
import { checkTold, wasCutOff, wasNeverNoted } from './notification-model.ts';
import type { Claim, Seen, SeenJob } from './run-model.ts';

export interface Violation {
  invariant: string;
  what: string;
}

/** The longest that a job may outlive its execution or run beside another one. */
const LIVE_MS = 120_000;
/** The same while calls fail and functions are killed, some worlds letting hardly any function reach its end. */
const HOSTILE_LIVE_MS = 60 * 60_000;
/** What a manifest waits for its event before it is looked for, and an event at most. */
const GRACE_MS = 300_000;
const EVENT_LATE_MS = 300_000;
/** Start, Run, Collect, Outcome, its end: at most this many when nothing goes wrong. */
const HAPPY_TRANSITIONS = 8;
/** Run's 9 tries, Stop's 262, Collect's 9 and what is between. */
const MAX_TRANSITIONS = 300;

/** Execution states that may stand beside an outcome. */
const AGREE: Readonly<Record<string, readonly string[]>> = {
  SUCCEEDED: ['succeeded'],
  FAILED: ['failed', 'timed-out'],
  ABORTED: ['cancelled'],
};

/** Every promise that was broken. */
export function violations(seen: Seen): Violation[] {
  const found: Violation[] = [];
  const claim = (invariant: string, holds: boolean, what: string) => {
    if (!holds) found.push({ invariant, what });
  };
  claim('comes-to-rest', seen.cameToRest, 'something still goes on, long after the last fault');
  for (const drop of seen.drops) checkDrop(seen, drop, claim);
  checkTold(seen, claim);
  checkRunsPage(seen, claim);
  checkFence(seen, claim);
  checkJobs(seen, claim);
  checkBounds(seen, claim);
  return found;
}

type Drop = Seen['drops'][number];

function checkDrop(seen: Seen, drop: Drop, claim: Claim): void {
  const { runId } = drop;
  const executions = seen.executions.filter(({ name }) => name === runId);
  const rejected = seen.objects.get(`rejected/${drop.key}@${drop.version}.json`);
  const jobs = seen.jobs.filter(({ name }) => name === runId);
  if (rejected !== undefined) {
    claim('rejected-or-run', executions.length === 0, `${runId} was rejected and has an execution`);
    claim('rejected-or-run', jobs.length === 0, `${runId} was rejected and has a job`);
    claim('rejection-has-faults', faultsOf(rejected) > 0, `the rejection of ${drop.key} names no fault`);
    claim('rejection-has-text', seen.objects.has(`rejected/${drop.key}@${drop.version}.txt`), drop.key);
    claim(
      'accepted-if-valid',
      !drop.isValid || drop.deletedAt !== undefined,
      `${runId} is in order and was rejected: ${rejected}`,
    );
    return;
  }
  // Nobody heard of it while it was there: its author took it back.
  const isTakenBack = drop.deletedAt !== undefined && seen.unheard.has(drop.version);
  if (isTakenBack && executions.length === 0) return;
  claim('rejected-if-invalid', drop.isValid, `${drop.key} at ${drop.version} has faults and no rejection`);
  const [execution] = executions;
  claim('one-execution', executions.length === 1, `${runId} has ${executions.length} executions`);
  claim(
    'found-in-time',
    !seen.unheard.has(drop.version) ||
      (execution?.startedAt ?? seen.now) <= mustHaveFound(seen, drop.at) + EVENT_LATE_MS,
    `${runId}, whose event was lost, was started too late`,
  );
  if (execution !== undefined) checkRun(seen, drop, execution, claim);
}

function checkRun(seen: Seen, drop: Drop, execution: Seen['executions'][number], claim: Claim): void {
  const { runId } = drop;
  const status = json(seen.objects.get(`runs/${runId}/status.json`));
  const control = json(seen.objects.get(`control/${runId}.json`));
  const hasReport = seen.objects.has(`runs/${runId}/report.html`);
  const lacksReport = !hasReport && wasCutOff(seen, runId);
  const written = json(seen.objects.get(`runs/${runId}/summary.json`));
  const summary = lacksReport && written.outcome === undefined ? Object(control.ended) : written;
  const outcome = String(summary.outcome);
  claim('execution-ends', execution.status !== 'RUNNING', `the execution of ${runId} still runs`);
  claim('summary', summary.outcome !== undefined, `${runId} has no summary`);
  claim('report', hasReport || lacksReport, `${runId} has no report`);
  const isStale = wasNeverNoted(seen, runId);
  const report = seen.objects.get(`runs/${runId}/report.html`) ?? '';
  claim(
    'report-agrees',
    isStale || !hasReport || report.includes(`<title>${runId}: ${outcome}</title>`),
    `${runId}: the report says ${/<title>.*/.exec(report)?.[0]}, the summary ${outcome}`,
  );
  claim(
    'status-agrees',
    isStale || status.state === outcome,
    `${runId}: status ${status.state}, summary ${outcome}`,
  );
  claim(
    'sentences-agree',
    isStale || (status.headline === summary.headline && status.why === summary.why),
    `${runId}: status says ${status.headline} ${status.why}, summary ${summary.headline} ${summary.why}`,
  );
  claim(
    'execution-agrees',
    AGREE[execution.status]?.includes(outcome) === true,
    `${runId}: execution ${execution.status}, outcome ${outcome}`,
  );
  const jobs = seen.jobs.filter(({ name }) => name === runId);
  claim('one-job', jobs.length <= 1 || seen.submissionsLate, `${runId} has ${jobs.length} jobs`);
  const ran = seen.owned.some((one) => one.runId === runId);
  const success = jobs.find((job) => job.status === 'SUCCEEDED');
  const succeeded = success !== undefined;
  const isTold = outcome === 'succeeded' && !isUnknown(seen, runId);
  claim('success-is-true', !isTold || succeeded, `${runId}: no job of it succeeded`);
  claim(
    'success-is-told',
    success === undefined ||
      outcome === 'succeeded' ||
      excuseOf(seen, drop, execution, control) !== undefined,
    `${runId}: its job succeeded and the outcome is ${outcome}: ${summary.why}`,
  );
  claim(
    'end-is-explained',
    ran || (!isTold && String(summary.headline ?? '').length > 0),
    `${runId} never passed the fence: ${outcome}`,
  );
  claim('control-closed', control.closedAt !== undefined, runId);
  claim('no-token-left', control.token === undefined, runId);
  claim('no-mark-left', !seen.objects.has(`control/open/${runId}`), `${runId} is still marked as open`);
}

/**
 * What ended a run whose job succeeded all the same, so that another outcome is right. An execution that ends otherwise
 * counts until settle must have seen the job's end; a limit counts only before that end. What comes later excuses nothing.
 */
export function excuseOf(
  seen: Seen,
  { runId, cancelledAt }: Drop,
  execution: Seen['executions'][number],
  control: Record<string, unknown>,
): string | undefined {
  const success = seen.jobs.find(({ name, status }) => name === runId && status === 'SUCCEEDED');
  const endedAt = success?.stoppedAt ?? seen.now;
  const ownEnd = execution.status === 'SUCCEEDED' || (execution.error ?? '').startsWith('Run');
  const causes: Record<string, number | undefined> = {
    cancelled: cancelledAt,
    hurt: seen.hurt.get(runId),
    'execution ended': ownEnd ? undefined : execution.stoppedAt,
    'given up': execution.history.find(({ state }) => state === 'Stop')?.at,
  };
  const until = mustHaveActed(seen, endedAt);
  const found = Object.keys(causes).find((cause) => (causes[cause] ?? Number.NaN) <= until);
  // For its budget or a limit, by functions that then failed to terminate the job before it ended by itself.
  const wasLate = seen.functionsFailed && Number(Object(control.stop).at ?? Number.NaN) < endedAt;
  return found ?? (wasLate ? 'limit' : isUnknown(seen, runId) ? 'nobody knows' : undefined);
}

/** Batch has forgotten the job, and a task wrote over what node 0 had said of it. */
function isUnknown({ jobsForgotten, overwritten }: Seen, runId: string): boolean {
  return jobsForgotten && overwritten.has(runKeys(runId).progress);
}

function checkFence({ owned }: Seen, claim: Claim): void {
  const jobOf = new Map<string, string>();
  const attempts = new Set<string>();
  for (const { runId, jobId, attempt } of owned) {
    const first = jobOf.get(runId) ?? jobId;
    jobOf.set(runId, first);
    claim('one-owner', first === jobId, `${runId}: both ${first} and ${jobId} passed the fence`);
    const once = `${jobId}-${attempt}`;
    claim('attempt-runs-once', !attempts.has(once), `attempt ${attempt} of ${jobId} passed the fence twice`);
    attempts.add(once);
  }
}

function checkJobs(seen: Seen, claim: Claim): void {
  const runs = new Set(seen.drops.map(({ runId }) => runId));
  for (const job of seen.jobs) {
    claim(
      'job-has-run',
      runs.has(job.name),
      `the job ${job.id} is called ${job.name}, which nobody asked for`,
    );
    const execution = seen.executions.find(({ name }) => name === job.name);
    if (execution?.stoppedAt !== undefined)
      claimGone(seen, job, Math.max(execution.stoppedAt, job.createdAt), 'dead-after-execution', claim);
    for (const other of seen.jobs) {
      const isLater =
        other.createdAt > job.createdAt || (other.createdAt === job.createdAt && other.id > job.id);
      if (other.name !== job.name || other.id === job.id || !isLater) continue;
      if ((job.stoppedAt ?? seen.now) <= other.createdAt) continue;
      const firstGone = (job.stoppedAt ?? seen.now) < (other.stoppedAt ?? seen.now) ? job : other;
      claimGone(seen, firstGone, other.createdAt, 'duplicate-is-dead', claim);
    }
  }
}

function claimGone(seen: Seen, job: SeenJob, since: number, invariant: string, claim: Claim): void {
  const allowed = mustHaveActed(seen, since);
  const until = job.stoppedAt ?? seen.now;
  claim(
    invariant,
    until <= allowed,
    `${job.id} of ${job.name} lived ${Math.round((until - since) / 1000)} s too long (${job.status})`,
  );
}

/**
 * In a kind world within two minutes. In a hostile one within two minutes of its healing, or in a longer while, of which at
 * least one look must have come to its end: where every function is killed sooner, nobody could have done better.
 */
function mustHaveActed(seen: Seen, since: number): number {
  const kind = LIVE_MS + seen.listedLateMs;
  const lookedAt = seen.wholeSweeps.find(({ beganAt }) => beganAt >= since)?.endedAt ?? seen.now;
  return seen.functionsFailed
    ? Math.min(Math.max(since + HOSTILE_LIVE_MS, lookedAt + kind), Math.max(since, seen.healedAt) + kind)
    : since + kind;
}

/** Where every ingest of a hand-over may fail, the next one comes when the manifest is twice as old. */
function mustHaveFound(seen: Seen, droppedAt: number): number {
  const since = mustHaveActed(seen, droppedAt + GRACE_MS);
  if (!seen.functionsFailed) return since;
  return Math.max(since, droppedAt + 2 * Math.max(GRACE_MS, seen.healedAt - droppedAt) + LIVE_MS);
}

function checkBounds(seen: Seen, claim: Claim): void {
  for (const { name, transitions } of seen.executions)
    claim(
      'few-transitions',
      transitions <= (seen.anyFault ? MAX_TRANSITIONS : HAPPY_TRANSITIONS),
      `${name} took ${transitions} transitions`,
    );
  const minutes = (seen.now - seen.startedAt) / 60_000;
  const most = minutes * (20 + 60 * seen.executions.length) + 1000 * seen.drops.length;
  claim('few-calls', seen.calls <= most, `${seen.calls} calls in ${Math.round(minutes)} minutes`);
}

/** A page that could not be written holds nothing up, so that only a cloud without faults promises all of it. */
function checkRunsPage(seen: Seen, claim: Claim): void {
  const { rows, older } = asRunIndex(dataOfRunsPage(seen.objects.get(RUNS_PAGE_KEY) ?? ''));
  const ids = [...rows.map(({ runId }) => runId), ...older];
  claim('runs-page-once', new Set(ids).size === ids.length, `a run stands twice in ${ids.join(' ')}`);
  if (seen.anyFault) return;
  const states = new Map(rows.map(({ runId, state }) => [runId, state]));
  for (const { name } of seen.executions) {
    const { outcome } = json(seen.objects.get(runKeys(name).summary));
    claim(
      'runs-page',
      states.get(name) === outcome,
      `${name} ended ${outcome}, the page says ${states.get(name)}`,
    );
  }
}

function json(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
  } catch {
    return {}; // A cut-off object says nothing, and every claim about it fails.
  }
}

function faultsOf(rejection: string): number {
  const { faults } = json(rejection);
  return Array.isArray(faults) ? faults.length : 0;
}
