import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Observed } from '../../../experiment/diagnosis/diagnose.ts';
import { diagnose } from '../../../experiment/diagnosis/diagnose.ts';
import type { RunnerReason } from '../../../experiment/records/progress.ts';
import type { FailureGroup } from '../../../experiment/records/summary.ts';
import { cancellationCause, parseCancellation } from '../../../experiment/run/cancellation.ts';

const runId = 'speed-sweep-0123456789a';
const failed = (more: Partial<Observed>): Observed => ({ runId, state: 'failed', ...more });
const byRunner = (runner: RunnerReason, more: Partial<Observed> = {}) => failed({ runner, ...more });
const byContainer = (containerReason: string, exitCode?: number) =>
  failed({
    job: {
      status: 'FAILED',
      attempts: [{ containerReason, exitCode, statusReason: 'Task failed to start' }],
    },
  });
const waiting = (reason: string): Observed => ({
  runId,
  state: 'queued',
  waiting: { reason, seconds: 1200 },
});
const counts = (succeeded: number, failedOnes: number, total = 200) => ({
  total,
  succeeded,
  failed: failedOnes,
  retried: 0,
  lost: 0,
});
const group = (exitval: number, stderrTail: string, nodes = 2): FailureGroup => ({
  signature: 's',
  count: 3,
  nodes,
  example: { seq: 17, command: './sim 17', node: '10.0.1.11', exitval, stderrTail },
});
const tasksFailed = (example: FailureGroup, more: Partial<Observed> = {}) =>
  byRunner(
    { kind: 'tasks-failed', failed: 3, lost: 0 },
    {
      tasks: counts(197, 3),
      failures: [example],
      nodes: { expected: 4, joined: 4, lost: 0 },
      tasksOn: evenly,
      ...more,
    },
  );
const evenly = new Map(['10.0.1.10', '10.0.1.11', '10.0.1.12', '10.0.1.13'].map((node) => [node, 50]));

/** What is observed, the situation it is, and a word that each of the two sentences must hold. */
const CORPUS: readonly [string, Observed, { why: RegExp; next: RegExp }][] = [
  ['submitted', { runId, state: 'submitted' }, { why: /queue/, next: /Nothing/ }],
  [
    'waiting-for-machines',
    { runId, state: 'queued', limits: { queueSeconds: 21_600 } },
    { why: /usual/, next: /6 h/ },
  ],
  [
    'waiting-no-capacity',
    waiting('CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill'),
    { why: /free machines/, next: /fewer nodes/ },
  ],
  [
    'waiting-queue-too-small',
    waiting('MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE - The CE(s)'),
    { why: /vCPUs/, next: /cluster\.nodes/ },
  ],
  [
    'waiting-node-too-big',
    waiting('MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job'),
    { why: /machine type/, next: /cluster\.memory/ },
  ],
  [
    'waiting-vcpu-quota',
    waiting(
      'VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit of 32 allows',
    ),
    { why: /quota/, next: /fewer nodes/ },
  ],
  [
    'waiting-service-role',
    waiting('MISCONFIGURATION:SERVICE_ROLE_PERMISSIONS - Batch'),
    { why: /not permitted/, next: /operators/ },
  ],
  [
    'waiting-instance-configuration',
    waiting('MISCONFIGURATION:EC2_INSTANCE_CONFIGURATION_UNSUPPORTED'),
    { why: /machine type/, next: /instanceType/ },
  ],
  [
    'waiting-action-required',
    waiting('ACTION_REQUIRED - CE(s) associated with the job queue are invalid'),
    { why: /repairs/, next: /operators/ },
  ],
  [
    'waiting-misconfigured',
    waiting('MISCONFIGURATION:SOMETHING_NEW'),
    { why: /SOMETHING_NEW/, next: /operators/ },
  ],
  [
    'waiting-undetermined',
    waiting('UNDETERMINED - root cause is undetermined'),
    { why: /does not know/, next: /Wait/ },
  ],
  [
    'waiting-other-reason',
    waiting('A reason of next year'),
    { why: /A reason of next year/, next: /operators/ },
  ],
  [
    'starting',
    { runId, state: 'starting', nodes: { expected: 4, joined: 0, lost: 0 } },
    { why: /4 machines/, next: /image/ },
  ],
  [
    'joining',
    { runId, state: 'joining', nodes: { expected: 4, joined: 3, lost: 0 }, limits: { joinSeconds: 600 } },
    { why: /Node 0 waits/, next: /10 min/ },
  ],
  [
    'joining',
    { runId, state: 'joining', nodes: { expected: 1, joined: 0, lost: 0 } },
    { why: /^Node 0 is being checked\.$/, next: /Nothing/ },
  ],
  [
    'running',
    {
      runId,
      state: 'running',
      tasks: { ...counts(50, 0), running: 8 },
      nodes: { expected: 4, joined: 4, lost: 0 },
    },
    { why: /8 tasks running; 4 of 4 nodes taking part/, next: /Nothing/ },
  ],
  [
    'running-degraded',
    { runId, state: 'running', tasks: counts(50, 0), nodes: { expected: 4, joined: 4, lost: 1 } },
    { why: /1 node lost/, next: /Nothing/ },
  ],
  [
    'nothing-left',
    { runId, state: 'running', tasks: counts(198, 2) },
    { why: /2 tasks failed/, next: /collect/ },
  ],
  [
    'stopping',
    { runId, state: 'running', stop: { cause: 'cancelled', why: 'wrong seed', by: 'ada' } },
    { why: /asked to end by ada: wrong seed/, next: /Wait/ },
  ],
  ['collecting', { runId, state: 'collecting', stage: 4 }, { why: /stage 4/, next: /Nothing/ }],
  [
    'succeeded',
    { runId, state: 'succeeded', tasks: counts(200, 0), runSeconds: 840, nodeHours: 0.9 },
    { why: /^All tasks succeeded\.$/, next: /^The report .* shows where the time went\.$/ },
  ],
  [
    'succeeded',
    { runId, state: 'succeeded', outputs: { missing: [], before: 2 } },
    {
      why: /succeeded\. 2 files of `outputs` came with the inputs .* not written since\. They are no results/,
      next: /^The outputs/,
    },
  ],
  [
    'runner-outputs-lacking',
    byRunner(
      { kind: 'outputs-lacking', missing: ['a', 'b', '\u001b[2Jc', 'd', 'e'], unsent: 0, notSent: [] },
      { tasks: counts(200, 0) },
    ),
    {
      why: /^`a`, `b`, `c` and 2 more \(in `outputs`\) were not found\.$/,
      next: /^See what .*optional: true.* no task runs again/,
    },
  ],
  [
    'runner-outputs-lacking',
    byRunner({
      kind: 'outputs-lacking',
      missing: [],
      unsent: 5,
      notSent: [{ path: 'out/a', why: 'StorageFull: ENOSPC: no space left on device' }],
    }),
    {
      why: /^5 files of `outputs` could not be sent: `out\/a` \(“StorageFull: .*”\) and 4 more\.$/,
      next: /^Make room on the disk\..*logs\/nodes\/0\.log.* no task runs again/,
    },
  ],
  [
    'runner-outputs-lacking',
    byRunner({
      kind: 'outputs-lacking',
      missing: [],
      unsent: 1,
      notSent: [{ path: 'out/a', why: 'TimeoutError: no answer' }],
    }),
    {
      why: /^1 file of `outputs` could not be sent: /,
      next: /^Run `sierra-batch resume [^`]+`: no task runs/,
    },
  ],
  [
    'runner-tasks-failed',
    tasksFailed(group(1, 'boom'), {
      outputs: { missing: ['a'] },
    }),
    { why: /`a` \(in `outputs`\) was not found\.$/, next: /resume/ },
  ],
  [
    'succeeded',
    { runId, state: 'succeeded', tasks: counts(0, 0, 0), stage: 4, runSeconds: 0.006, nodeHours: 0.9 },
    { why: /no runs/, next: /report/ },
  ],
  [
    'cancelled',
    {
      runId,
      state: 'cancelled',
      stop: { cause: 'cancelled', why: 'wrong seed', by: 'ada' },
      tasks: counts(40, 0),
    },
    { why: /Wrong seed\. 40 of 200/, next: /sierra-batch resume speed-sweep-0123456789a/ },
  ],
  [
    'stopped-queue-limit',
    {
      runId,
      state: 'timed-out',
      stop: { cause: 'timed-out', why: '', because: 'queue-limit' },
      limits: { queueSeconds: 3600 },
      waiting: { reason: 'CAPACITY:X' },
    },
    { why: /1 h .*CAPACITY:X/, next: /timeouts\.queue/ },
  ],
  [
    'stopped-deadline',
    { runId, state: 'timed-out', stop: { cause: 'timed-out', why: '', because: 'deadline' } },
    { why: /timeouts/, next: /resume/ },
  ],
  [
    'stopped-budget',
    failed({
      stop: { cause: 'failed', why: '', because: 'budget' },
      limits: { maxNodeHours: 40 },
      nodeHours: 40.2,
    }),
    { why: /40 node-hours/, next: /budget\.maxNodeHours/ },
  ],
  [
    'stopped-silent',
    failed({ stop: { cause: 'failed', why: 'nothing was heard for 5 min', because: 'silent' } }),
    { why: /Nothing was heard for 5 min/, next: /logs\/nodes\/0\.log/ },
  ],
  [
    'stopped-submit-refused',
    failed({
      stop: {
        cause: 'failed',
        why: 'Array properties are not what they should be',
        because: 'submit-refused',
      },
    }),
    { why: /Array properties/, next: /submit again/ },
  ],
  [
    'stopped-execution-failed',
    failed({ stop: { cause: 'failed', why: 'States.Runtime', because: 'execution-failed' } }),
    { why: /States\.Runtime/, next: /operators/ },
  ],
  ...(
    [
      ['definition-gone', 'JobDefinition node:3 INACTIVE', /replaced/, /again/],
      ['queue-closed', 'JobQueue x is in DISABLED state', /takes no jobs/, /cluster\.queue/],
      [
        'node-ranges',
        'NodeOverride targets should match job definition',
        /NodeOverride targets/,
        /operators/,
      ],
      [
        'not-allowed',
        'AccessDeniedException: not authorized to perform: batch:SubmitJob',
        /not permitted/,
        /roles/,
      ],
      ['instance-type', 'instance type x9.huge is not supported', /machine type/, /instanceType/],
      ['too-large', 'Container Overrides length must be at most 8192', /larger/, /environment/],
    ] as const
  ).map(([name, why, known, next]): [string, Observed, { why: RegExp; next: RegExp }] => [
    `stopped-submit-refused-${name}`,
    failed({ stop: { cause: 'failed', why, because: 'submit-refused' } }),
    { why: known, next },
  ]),
  ['told-to-end', failed({ stop: { cause: 'failed', why: 'because' } }), { why: /Because/, next: /resume/ }],
  ['timed-out', { runId, state: 'timed-out' }, { why: /not known/, next: /timeouts/ }],
  [
    'runner-succeeded',
    byRunner({ kind: 'succeeded' }, { job: { statusReason: 'Host EC2 (instance i-1) terminated.' } }),
    { why: /Host EC2/, next: /runs\/speed-sweep/ },
  ],
  [
    'runner-tasks-failed',
    tasksFailed(group(2, 'seed 3 is odd')),
    { why: /exit 2;.*seed 3 is odd.*197/, next: /report\.html/ },
  ],
  [
    'runner-tasks-failed',
    tasksFailed(group(2, '(not kept: task 8 wrote to the same folder)\n')),
    {
      why: /which left no output of its own \(not kept: task 8 wrote to the same folder\)\./,
      next: /report\.html/,
    },
  ],
  [
    'runner-bad-environment',
    byRunner({
      kind: 'bad-environment',
      faults: [
        {
          node: 2,
          check: 'no-sshd',
          what: 'sshd is not installed',
          todo: 'install openssh-server in the image',
        },
      ],
    }),
    { why: /Node 2: sshd/i, next: /Install openssh-server/ },
  ],
  [
    'runner-bad-plan',
    byRunner({ kind: 'bad-plan', what: 'commands.txt is not there' }),
    { why: /commands\.txt/, next: /manifest/ },
  ],
  [
    'runner-too-few-joined',
    byRunner(
      { kind: 'too-few-joined', joined: 2, needed: 4, missing: [1, 3], cannotRead: [3] },
      { limits: { joinSeconds: 600 } },
    ),
    {
      why: /Nodes 1 and 3 did not report.*10 min.*Node 3 said that/,
      next: /logs\/nodes\/1\.log.*timeouts\.join/,
    },
  ],
  [
    'runner-too-many-lost',
    byRunner({ kind: 'too-many-lost', left: 1, needed: 3, lost: [1, 2, 3] }),
    { why: /Nodes 1, 2 and 3/, next: /resume/ },
  ],
  [
    'runner-sierra-failed',
    byRunner({ kind: 'sierra-failed', stage: 3, exitCode: 1, tail: 'Traceback\nKeyError: x' }),
    { why: /KeyError: x/, next: /logs\/nodes\/0/ },
  ],
  [
    'runner-sierra-failed',
    byRunner({
      kind: 'sierra-failed',
      stage: 2,
      exitCode: 0,
      tail: 'INFO sierra.core - begin\nERROR sierra.core - sort failed\nsort: no file\nINFO sierra.core - end\nINFO bye',
    }),
    { why: /sort failed sort: no file/, next: /logs\/nodes\/0/ },
  ],
  [
    'runner-sierra-failed',
    byRunner({
      kind: 'sierra-failed',
      stage: 1,
      exitCode: 1,
      tail: "FileExistsError: [Errno 17] File exists: '/r/exp-inputs'",
    }),
    { why: /already there/, next: /resume|workspace/ },
  ],
  [
    'runner-sierra-failed',
    byRunner({
      kind: 'sierra-failed',
      stage: 2,
      exitCode: 1,
      tail: '--execenv=hpc.awsbatch does not implement ExpShellCmdsGenerator',
    }),
    { why: /one batch/, next: /per-batch/ },
  ],
  [
    'runner-sierra-failed',
    byRunner(
      { kind: 'sierra-failed', stage: 4, exitCode: 128, tail: 'drawing', limitSeconds: 3600 },
      { stage: 4, incomplete: [{ experiment: 'c1-exp3', whole: 31, runs: 32 }] },
    ),
    {
      why: /had not ended by then \(`timeouts\.process`\)\. It said: “drawing”\. Means are of 31 of 32 runs in c1-exp3\.$/,
      next: /raise `timeouts\.process`/,
    },
  ],
  [
    'runner-tasks-failed',
    byRunner(
      { kind: 'tasks-failed', failed: 2, lost: 1 },
      {
        stage: 4,
        tasks: counts(61, 2, 64),
        incomplete: [
          { experiment: 'c1-exp3', whole: 31, runs: 32 },
          { experiment: 'c1-exp4', whole: 30, runs: 32 },
        ],
      },
    ),
    { why: / Means are of 31 of 32 runs in c1-exp3 and 30 of 32 in c1-exp4\.$/, next: /resume/ },
  ],
  [
    'runner-tasks-failed',
    byRunner(
      { kind: 'tasks-failed', failed: 1, lost: 0 },
      { stage: 2, incomplete: [{ experiment: 'c1-exp3', whole: 31, runs: 32 }] },
    ),
    { why: /^(?!.*Means)/, next: /resume/ },
  ],
  [
    'runner-too-few-runs',
    byRunner(
      { kind: 'too-few-runs', stage: 3, minRuns: 3, unnamed: 0 },
      {
        stage: 2,
        tasks: counts(5, 3, 8),
        failures: [group(1, 'ValueError: no such robot')],
        incomplete: [
          { experiment: 'c1-exp0', whole: 3, runs: 4 },
          { experiment: 'c1-exp1', whole: 2, runs: 4 },
        ],
      },
    ),
    { why: /3 whole runs \(`run\.sierra\.minRuns`\)\. .*no such robot/, next: /resume/ },
  ],
  [
    'runner-too-few-runs',
    byRunner(
      { kind: 'too-few-runs', stage: 3, minRuns: 1, unnamed: 0 },
      {
        stage: 2,
        tasks: counts(0, 12, 12),
        failures: [group(2, "can't open file 'sample/jsonsim.py'")],
        incomplete: [{ experiment: 'c1-exp0', whole: 0, runs: 12 }],
      },
    ),
    { why: /can't open file 'sample\/jsonsim\.py'/, next: /resume/ },
  ],
  [
    'runner-too-few-runs',
    byRunner({ kind: 'too-few-runs', stage: 3, minRuns: 1, unnamed: 2 }, { tasks: counts(2, 2, 4) }),
    { why: /must not enter statistics/, next: /resume/ },
  ],
  [
    'runner-finally-failed',
    byRunner(
      { kind: 'finally-failed', exitCode: 3, tail: 'no table', failed: 0 },
      { tasks: counts(4, 0, 4) },
    ),
    { why: /`run\.finally` said: “no table”/, next: /run\.finally.*resume/ },
  ],
  [
    'runner-finally-failed',
    byRunner(
      { kind: 'finally-failed', exitCode: 143, tail: '', failed: 2, limitSeconds: 3600 },
      { tasks: counts(2, 2, 4), failures: [group(2, 'no such robot')] },
    ),
    { why: /said nothing\. .*no such robot/, next: /resume/ },
  ],
  ['runner-not-owner', byRunner({ kind: 'not-owner', owner: 'job-2' }), { why: /job-2/, next: /other job/ }],
  [
    'runner-budget-used',
    byRunner({ kind: 'budget-used', nodeHours: 39, maxNodeHours: 40 }, { nodeHours: 40.1 }),
    { why: /40 node-hours/, next: /maxNodeHours/ },
  ],
  [
    'runner-run-time-limit',
    byRunner({ kind: 'run-time-limit', seconds: 7200 }),
    { why: /timeouts\.run/, next: /timeouts\.run/ },
  ],
  [
    'runner-run-time-limit',
    { ...byRunner({ kind: 'run-time-limit', seconds: 7200 }), state: 'timed-out' },
    { why: /timeouts\.run/, next: /timeouts\.run/ },
  ],
  [
    'runner-terminated',
    byRunner({ kind: 'terminated', signal: 'SIGTERM' }),
    { why: /SIGTERM/, next: /resume/ },
  ],
  [
    'runner-storage-failed',
    byRunner({ kind: 'storage-failed', what: 'no space left', path: '/mnt/efs/x' }),
    { why: /\/mnt\/efs\/x.*no space/, next: /operators/ },
  ],
  [
    'runner-internal',
    byRunner({ kind: 'internal', what: 'no such state: 7' }),
    { why: /No such state: 7/, next: /report/ },
  ],
  [
    'machine-image-not-found',
    byContainer(
      'CannotPullContainerError: Error response from daemon: manifest for x:1 not found: manifest unknown',
    ),
    { why: /registry/, next: /cluster\.image/ },
  ],
  [
    'machine-image-denied',
    byContainer('CannotPullContainerError: pull access denied for x'),
    { why: /refused/, next: /execution role/ },
  ],
  [
    'machine-image-unreachable',
    byContainer('CannotPullContainerError: context deadline exceeded: dial tcp i/o timeout'),
    { why: /could not get it/, next: /registry/ },
  ],
  [
    'machine-exec-format',
    byContainer(
      'CannotStartContainerError: standard_init_linux.go: exec user process caused: exec format error',
      1,
    ),
    { why: /architecture/, next: /--platform/ },
  ],
  [
    'machine-mount-owner',
    byContainer('CannotCreateContainerError: failed to chmod: lchown /mnt/efs: operation not permitted'),
    { why: /access point/, next: /Dockerfile/ },
  ],
  [
    'machine-storage-not-mounted',
    byContainer('ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes'),
    { why: /file system/, next: /2049/ },
  ],
  [
    'machine-role-not-assumed',
    byContainer("ECS was unable to assume the role 'arn:aws:iam::1:role/x' that was provided for this task."),
    { why: /trust/, next: /ecs-tasks/ },
  ],
  [
    'machine-secrets-unavailable',
    byContainer('ResourceInitializationError: unable to pull secrets or registry auth'),
    { why: /secret/, next: /operators/ },
  ],
  [
    'machine-entrypoint-missing',
    byContainer(
      'CannotStartContainerError: exec: "sierra-batch-node": executable file not found in $PATH',
      127,
    ),
    { why: /not in the image/, next: /Dockerfile/ },
  ],
  [
    'machine-memory',
    byContainer('OutOfMemoryError: Container killed due to memory usage', 137),
    { why: /cluster\.memory/, next: /jobsPerNode/ },
  ],
  [
    'machine-shared-memory',
    byContainer('write /dev/shm/sem.x: no space left on device'),
    { why: /sharedMemory/, next: /cluster\.sharedMemory/ },
  ],
  [
    'machine-queue-time-limit',
    failed({ job: { status: 'FAILED', statusReason: 'Job was cancelled by jobStateTimeLimitActions' } }),
    { why: /too long/, next: /fewer/ },
  ],
  [
    'machine-host-lost',
    failed({ job: { attempts: [{ statusReason: 'Host EC2 (instance i-0123) terminated.' }] } }),
    { why: /i-0123/, next: /resume/ },
  ],
  [
    'machine-attempt-time-limit',
    failed({ job: { attempts: [{ statusReason: 'Job attempt duration exceeded timeout' }] } }),
    { why: /timeouts\.run/, next: /timeouts\.run/ },
  ],
  [
    'machine-disk-full',
    byContainer('CannotCreateContainerError: write /x: no space left on device'),
    { why: /fit/, next: /disks/ },
  ],
  [
    'machine-agent-trouble',
    byContainer('DockerTimeoutError: Could not transition to started; timed out after waiting 3m0s'),
    { why: /machine/, next: /resume/ },
  ],
  [
    'machine-instance-start-failed',
    failed({ job: { attempts: [{ statusReason: 'Task failed to start' }] } }),
    { why: /placed/, next: /again/ },
  ],
  [
    'machine-killed',
    failed({ exitCode: 137, job: { attempts: [{ statusReason: 'Essential container in task exited' }] } }),
    { why: /signal 9/, next: /cluster\.memory/ },
  ],
  ['machine-terminated-silently', failed({ exitCode: 143 }), { why: /signal 15/, next: /resume/ }],
  ['machine-crashed', failed({ exitCode: 139 }), { why: /139/, next: /logs/ }],
  ['exit-code-alone', failed({ exitCode: 3 }), { why: /exit code 3/, next: /logs/ }],
  [
    'never-started',
    failed({ job: { status: 'FAILED', statusReason: 'Array properties are wrong' } }),
    { why: /Array properties/, next: /again/ },
  ],
  ['unknown', failed({}), { why: /No exit code/, next: /logs/ }],
  [
    'unknown',
    failed({
      exitCode: 77,
      job: { attempts: [{ exitCode: 77, statusReason: 'Essential container in task exited' }] },
    }),
    { why: /77.*Essential container/, next: /logs/ },
  ],
];

test('a run that went on with others says how many tasks are done, and how many of them it ran itself', () => {
  const tasks = { ...counts(30, 0, 30), before: 21 };
  const { headline } = diagnose({ runId, state: 'succeeded', tasks, runSeconds: 5.9, nodeHours: 0.0041 });
  expect(headline).toBe('Succeeded: 30 of 30 tasks; 9 tasks in 5.9 s (21 done before), 0.0041 node-hours.');
});

describe('a situation is told by its own sentences', () => {
  test('kinds of failure are said with their tasks, which add up', () => {
    const one = group(2, 'seed 3 is odd');
    const why = (...others: number[]) =>
      diagnose(tasksFailed(one, { failures: [one, ...others.map((count) => ({ ...one, count }))] })).why;
    expect(why(2)).toMatch(/^3 of the 5 that failed: .* The others: 2 × “[^”]*”\. /);
    expect(why(3, 2, 1, 1)).toMatch(
      /^3 of the 10 that failed: .* The others: 3 × “[^”]*”, 2 × “[^”]*”, 2 in 2 more groups\. /,
    );
  });

  test('stages without runs are not called tasks, nor timed as such', () => {
    const ended = { runId, state: 'succeeded', tasks: counts(0, 0, 0), stage: 4, runSeconds: 0.006 } as const;
    expect(diagnose(ended).headline).toBe('Succeeded: SIERRA finished stage 4.');
    expect(diagnose({ ...ended, stage: 2 }).headline).toBe('Succeeded: in 6 ms.');
  });

  test.each(CORPUS)('%s', (situation, observed, { why, next }) => {
    const diagnosis = diagnose(observed);
    expect(diagnosis.situation).toBe(situation);
    expect(diagnosis.why).toMatch(why);
    expect(diagnosis.next).toMatch(next);
  });

  test('every sentence is one that can be shown as it is', () => {
    for (const [, observed] of CORPUS) {
      const { headline, why, next } = diagnose(observed);
      for (const text of [headline, why, next]) {
        expect(text).toMatch(/^(?:[A-Z0-9“`]|\S+[._/]\S).*[.!?]”?$/s);
        expect(text).not.toMatch(/undefined|null|NaN|\[object|\.\.| {2}|\s\./);
        expect(text.split('`').length % 2).toBe(1);
      }
    }
  });
});

test('the faults of all nodes are told, each with what to do, and the same advice once', () => {
  const fault = (node: number) => ({
    node,
    check: 'no-sshd',
    what: 'no sshd',
    todo: 'install openssh-server',
  });
  const { why, next } = diagnose(byRunner({ kind: 'bad-environment', faults: [1, 2, 3, 4, 5].map(fault) }));
  expect(why).toBe(
    'Node 1: no sshd. Node 2: no sshd. Node 3: no sshd. And 2 more faults, in the log of node 0.',
  );
  expect(next).toBe('Install openssh-server.');
});

describe('failed tasks', () => {
  const cases: readonly [string, FailureGroup, RegExp][] = [
    ['command not found', group(127, 'bash: sim: command not found'), /spelling/],
    ['command not found on one node only', group(127, 'bash: sim: command not found', 1), /shared storage/],
    ['not executable', group(126, 'bash: ./sim: Permission denied'), /chmod/],
    ['Python module', group(1, "ModuleNotFoundError: No module named 'numpy'"), /PYTHONPATH/],
    ['disk full', group(1, 'OSError: [Errno 28] No space left on device'), /disks/],
    ['memory', group(137, ''), /cluster\.memory/],
    ['memory as an exception', group(1, 'MemoryError'), /cluster\.memory/],
    ['crash', group(139, 'Segmentation fault'), /debugger/],
    ['shared library', group(127, 'sim: error while loading shared libraries: libx.so'), /LD_LIBRARY_PATH/],
    ['missing file', group(1, "FileNotFoundError: [Errno 2] No such file or directory: 'a'"), /inputs/],
    ['aws', group(255, 'botocore.exceptions.NoCredentialsError: Unable to locate credentials'), /role/],
  ];

  test.each(cases)('%s has its own advice', (_name, example, next) => {
    expect(diagnose(tasksFailed(example)).next).toMatch(next);
  });

  test('in Python, bash, the kernel and on storage: each has words of its own', () => {
    const words: readonly [string, RegExp][] = [
      ['OSError: [Errno 116] Stale file handle', /storage lost sight/],
      ['curl: (6) Could not resolve host: pypi.org', /Internet/],
      ['RuntimeError: CUDA out of memory.', /graphics processor/],
      ['qt.qpa.xcb: could not connect to display', /screen/],
      ['ERROR: Unexpected bus error encountered in worker. /dev/shm', /shared memory/],
      ["OSError: [Errno 24] Too many open files: 'a'", /files open/],
      ["RuntimeError: can't start new thread", /threads/],
      ['bash: line 2: syntax error near unexpected token `)', /could not read the command/],
      ["PermissionError: [Errno 13] Permission denied: '/x'", /may not be read/],
      ['sim: Exec format error', /this kind of processor/],
    ];
    const told = words.map(([line]) => diagnose(tasksFailed(group(1, line))));
    expect(told.map(({ why }, at) => words[at]?.[1].test(why))).toEqual(words.map(() => true));
    expect(new Set(told.map(({ next }) => next)).size).toBe(words.length);
  });

  test('one command that was not found is not one that only this node lacks', () => {
    const one = { ...group(127, '/tmp/sb-1/home/par-job-2: line 2: sim: command not found', 1), count: 1 };
    expect(diagnose(tasksFailed(one))).toMatchObject({
      why: expect.stringMatching(/the command was not found; .* “bash: sim: command not found”/),
      next: expect.stringMatching(/^Check the spelling/),
    });
  });

  test.each([
    [0, /None succeeded\.$/],
    [1, /The other one succeeded\.$/],
    [197, /The other 197 succeeded\.$/],
  ])('what became of the other %d is told', (others, words) => {
    expect(diagnose(tasksFailed(group(2, 'odd'), { tasks: counts(others, 3, others + 3) })).why).toMatch(
      words,
    );
  });

  test('that all happened on one node is told, and not that the node is to blame', () => {
    expect(diagnose(tasksFailed(group(2, 'odd', 1))).why).toContain('All of these ran on one node.');
    expect(diagnose(tasksFailed(group(2, 'odd', 3))).why).not.toContain('one node');
  });

  test.each([
    ['all', 200],
    ['nearly all', 180],
  ])('that one node ran %s of the tasks is no trait of those that failed', (_words, ran) => {
    const tasksOn = new Map([
      ['10.0.1.10', 200 - ran],
      ['10.0.1.11', ran],
    ]);
    for (const exitval of [2, 127]) {
      expect(diagnose(tasksFailed(group(exitval, 'odd', 1), { tasksOn })).why).not.toContain('one node');
    }
  });

  test('a time limit of tasks is named only where one was reached', () => {
    const { example, ...rest } = group(124, '');
    const limited = tasksFailed({ ...rest, example: { ...example, end: 'time-limit' } });
    expect(diagnose(limited).next).toContain('timeouts.task');
    expect(diagnose(tasksFailed(group(124, ''))).next).not.toContain('timeouts.task');
  });

  test('the limit of output is named where a task was ended for it, not where a program ended so by a limit of its own', () => {
    const over = (said: string) => {
      const { example, ...rest } = group(153, said);
      return diagnose(tasksFailed({ ...rest, example: { ...example, end: 'output-limit' } }));
    };
    expect(over('step 7\noutput over 1 GiB\n').next).toContain('limits.taskOutput');
    expect(over('File size limit exceeded').next).not.toContain('limits.taskOutput');
  });

  test('lost tasks are told apart from failed ones', () => {
    const observed = byRunner(
      { kind: 'tasks-failed', failed: 0, lost: 4 },
      { tasks: { ...counts(196, 0), lost: 4 } },
    );
    expect(diagnose(observed).headline).toBe('4 of 200 tasks never finished because their nodes were lost.');
    const nodes = { expected: 4, joined: 4, lost: 0 };
    expect(diagnose({ ...observed, nodes }).headline).toBe('4 of 200 tasks never finished.');
  });
});

test.each([
  [{ lost: 0, cutOff: 0, notStarted: 99_940 }, '99,940 not started'],
  [{}, '99,940 not finished'],
])('a run ended by its failures tells of the others what is known of them: %o', (others, said) => {
  const reason = { kind: 'failures-stopped', seconds: 9, isAsked: true, signature: 'exit 3' } as const;
  const tasks = { total: 100_000, succeeded: 0, failed: 60, retried: 0, ...others };
  expect(diagnose(byRunner(reason, { tasks })).headline).toContain(said);
});

describe('SIERRA’s own messages', () => {
  test.each([
    ["Non-AWS Batch environment detected: 'AWS_BATCH_JOB_ID' not found", /variables that AWS Batch sets/],
    [
      "Non-hpc.awsbatch environment detected: --nodefile not passed and 'SIERRA_NODEFILE' not found",
      /list of nodes/,
    ],
    ["SIERRA_NODEFILE '/mnt/efs/nodes' does not exist", /list of nodes/],
    ['Engine visual capture not supported on AWS Batch', /visual capture/],
    ['--execenv=hpc.awsbatch does not implement ExpShellCmdsGenerator', /one batch/],
    ["FileExistsError: [Errno 17] File exists: '/b/exp-inputs'", /already there/],
    ["FileNotFoundError: [Errno 2] No such file or directory: '/b/exp-inputs'", /stage 1 has not been run/],
    ['parallel: Error: Parsing of --jobs/-j/--max-procs/-P failed.', /no number of jobs/],
    ['parallel: Error: Command line too long (70000 >= 63660)', /longer than GNU parallel/],
    ["ModuleNotFoundError: No module named 'plugins.jsonsim'", /Python module/],
    ['ImportError: pyarrow requires NumPy 2.0 or newer, found 1.26.4', /pyarrow needs numpy 2/],
    ['AttributeError: `np.float_` was removed in the NumPy 2.0 release', /numpy below 2/],
    ["TypeError: generate() got an unexpected keyword argument 'exp_names'", /another version of SIERRA/],
    ['RuntimeError: Required .deb packages psmisc missing', /system package/],
    ['RuntimeError: Failed to process string with tex because latex could not be found', /LaTeX/],
    ['sierra: error: unrecognized arguments: --exec-no-devnull', /options/],
    ['ERROR: ros1gazebo not supported on hpc.awsbatch', /ROS1/],
  ])('%s', (tail, why) => {
    const diagnosis = diagnose(byRunner({ kind: 'sierra-failed', stage: 2, exitCode: 1, tail }));
    expect(diagnosis.why).toMatch(why);
    expect(diagnosis.why).toContain('It said: “');
    expect(diagnosis.next).toMatch(/^[A-Z].*\.$/);
  });
});

test.each<[string, Partial<Observed>]>([
  ['In SIERRA’s stage 2, none of 8 runs succeeded; stage 3 was not started.', { tasks: counts(0, 8, 8) }],
  [
    'SIERRA’s stage 3 was not started: only 2 of 4 runs in c1-exp1 are whole.',
    {
      tasks: counts(5, 3, 8),
      incomplete: [
        { experiment: 'c1-exp0', whole: 3, runs: 4 },
        { experiment: 'c1-exp1', whole: 2, runs: 4 },
      ],
    },
  ],
])('too few whole runs: %s', (headline, more) => {
  const reason = { kind: 'too-few-runs', stage: 3, minRuns: 3, unnamed: 0 } as const;
  expect(diagnose(byRunner(reason, { stage: 2, ...more })).headline).toBe(headline);
});

test('a run that had nothing to start tells of which runs the means are', () => {
  const incomplete = Array.from({ length: 14 }, (_, index) => ({
    experiment: `c1-exp${index}`,
    whole: 1,
    runs: 2,
  }));
  const { why } = diagnose({ runId, state: 'succeeded', stage: 4, tasks: counts(0, 0, 0), incomplete });
  expect(why).toMatch(
    /start\. Means are of 1 of 2 runs in c1-exp0, .*c1-exp9 and fewer than all in 4 more experiments\.$/,
  );
});

test('a run that is being cancelled says by whom and why, as far as it was told', () => {
  const why = (cause: string) =>
    diagnose({ runId, state: 'running', stop: { cause: 'cancelled', why: cause, because: 'person' } }).why;
  expect(why('by ada: wrong seed')).toBe('The run was asked to end by ada: wrong seed.');
  expect(why('by ada')).toBe('The run was asked to end by ada.');
  expect(why('the execution was stopped')).toBe('The run was asked to end: the execution was stopped.');
});

test('whatever a canceller is called and says, the cause that we write is read again', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ':', ' ', '\n', '\u001b', 'é'), maxLength: 20 });
  fc.assert(
    fc.property(text, text, (by, reason) => {
      const cause = cancellationCause({ by, reason });
      expect(cause).not.toContain('\n');
      const read = parseCancellation(cause);
      expect(read.by).not.toBe('');
      // Written again it is the same: nothing of one part has gone into the other.
      expect(cancellationCause({ by: read.by ?? '', reason: read.reason })).toBe(cause);
    }),
  );
  expect(parseCancellation(cancellationCause({ by: 'ada@lab.org', reason: 'seed: 7, not 8' }))).toEqual({
    by: 'ada@lab.org',
    reason: 'seed: 7, not 8',
  });
});

test('who cancelled is told from their own words, and nobody is made up', () => {
  const by = (why: string) =>
    diagnose({ runId, state: 'cancelled', stop: { cause: 'cancelled', why, because: 'person' } });
  expect(by('by ada: wrong seed')).toMatchObject({ headline: 'Cancelled by ada.', why: 'Wrong seed.' });
  expect(by('Cancelled by ada@lab')).toMatchObject({
    headline: 'Cancelled by ada@lab.',
    why: 'No reason was given.',
  });
  expect(by('wrong seed')).toMatchObject({ headline: 'Cancelled by someone.', why: 'Wrong seed.' });
  expect(by('')).toMatchObject({ headline: 'Cancelled by someone.', why: 'No reason was given.' });
  expect(by('by mistake, started twice')).toMatchObject({
    headline: 'Cancelled by someone.',
    why: 'By mistake, started twice.',
  });
  expect(by(cancellationCause({ by: 'Ada Lovelace', reason: '' }))).toMatchObject({
    headline: 'Cancelled by Ada Lovelace.',
    why: 'No reason given.',
  });
});

describe('who is believed', () => {
  test('who told the run to end comes before what the runner says of its end', () => {
    const observed = byRunner(
      { kind: 'terminated', signal: 'SIGTERM' },
      { stop: { cause: 'failed', why: '', because: 'budget' } },
    );
    expect(diagnose(observed).situation).toBe('stopped-budget');
  });

  test('a state machine that stopped a job which had ended by itself does not hide why it ended', () => {
    const stop = { cause: 'failed', why: 'States.TaskFailed' } as const;
    expect(diagnose({ ...byContainer('OutOfMemoryError', 137), stop }).situation).toBe('machine-memory');
    expect(diagnose(byRunner({ kind: 'bad-plan', what: 'x' }, { stop })).situation).toBe('runner-bad-plan');
  });

  test('who ended the run is told, and not the signal by which it was done', () => {
    const stop = { cause: 'timed-out', why: 'the execution ran out of time' } as const;
    const signalled = byRunner(
      { kind: 'terminated', signal: 'SIGTERM' },
      { stop, exitCode: 143, state: 'timed-out' },
    );
    for (const observed of [
      signalled,
      { ...signalled, runner: undefined },
      { ...signalled, exitCode: 137 },
    ]) {
      expect(diagnose(observed).why).toBe('The execution ran out of time.');
    }
  });

  test('the runner’s own account comes before AWS’s', () => {
    const observed = {
      ...byContainer('OutOfMemoryError', 137),
      runner: { kind: 'bad-plan', what: 'x' } as const,
    };
    expect(diagnose(observed).situation).toBe('runner-bad-plan');
  });

  test('only the last attempt explains the end', () => {
    const observed = failed({
      exitCode: 137,
      job: {
        attempts: [
          { statusReason: 'Host EC2 (instance i-1) terminated.' },
          { exitCode: 137, containerReason: 'OutOfMemoryError: x' },
        ],
      },
    });
    expect(diagnose(observed).situation).toBe('machine-memory');
  });

  test('a waiting reason of a run that has started is not told any more', () => {
    const observed: Observed = {
      runId,
      state: 'running',
      waiting: { reason: 'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY' },
    };
    expect(diagnose(observed).why).not.toContain('free machines');
  });

  test('what others said cannot act on a terminal', () => {
    const { why } = diagnose(waiting('\u001b[2Jgone \u202e\u0007 `rm`'));
    expect([...why].every((character) => character >= ' ' && character !== '\u202e')).toBe(true);
    expect(why).toContain('gone');
  });
});
