import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { submitJobRequest } from '../../../experiment/batch/submit-request.ts';
import { parseManifest } from '../../../experiment/manifest/parse.ts';
import { corpusCases } from '../manifest/corpus-cases.ts';
import { DEPLOYMENT, planOf } from '../manifest/planned.ts';

const NONCE = '0123456789abcdef';
const PLAN_SHA256 = 'f'.repeat(64);

function requestOf(text: string) {
  const result = parseManifest(Buffer.from(text), 'yaml');
  if (!result.ok) throw new Error(result.faults.map(({ message }) => message).join('\n'));
  return submitJobRequest(planOf(result.manifest), DEPLOYMENT, { nonce: NONCE, planSha256: PLAN_SHA256 });
}

const manifestWith = (cluster: string, more = '') =>
  `apiVersion: sierra-batch/v1\nname: sweep\ncluster: ${cluster}\nrun: {commands: {list: [./sim]}}\n${more}`;

/** Limits of SubmitJob, as AWS documents them. */
function expectWithinLimits(request: ReturnType<typeof requestOf>) {
  expect(request.jobName).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/);
  expect(Buffer.byteLength(JSON.stringify(request))).toBeLessThan(30 * 1024);
  const tags = Object.entries(request.tags ?? {});
  expect(tags.length).toBeLessThanOrEqual(50);
  for (const [name, value] of tags) {
    expect([...name].length).toBeLessThanOrEqual(128);
    expect([...value].length).toBeLessThanOrEqual(256);
    expect(name).not.toMatch(/^aws:/i);
  }
  expect(request.timeout?.attemptDurationSeconds).toBeGreaterThanOrEqual(60);
  expect(request.retryStrategy?.attempts).toBeGreaterThanOrEqual(1);
  expect(request.retryStrategy?.attempts).toBeLessThanOrEqual(10);
  expect(request.retryStrategy?.evaluateOnExit?.length).toBeLessThanOrEqual(5);
  const overrides = request.nodeOverrides?.nodePropertyOverrides ?? [];
  // Only an open range lets the number of nodes be another than the definition's.
  expect(overrides.map(({ targetNodes }) => targetNodes)).toEqual(['0:']);
  const environment = overrides[0]?.containerOverrides?.environment ?? [];
  for (const { name, value } of environment) {
    expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
    expect(name).not.toMatch(/^AWS_BATCH_/);
    expect(value).toBeTypeOf('string');
  }
  expect(new Set(environment.map(({ name }) => name)).size).toBe(environment.length);
}

describe('the SubmitJob request', () => {
  it.each(corpusCases('valid').filter(({ format }) => format === 'yaml'))(
    'of $topic/$name keeps within AWS’s limits',
    ({ text }) => {
      expectWithinLimits(requestOf(text));
    },
  );

  it('says what the plan says, and no more of the manifest than that', () => {
    const request = requestOf(
      manifestWith(
        '{nodes: 3, vcpus: 8, memory: 16GiB, gpus: 2, instanceType: g5.12xlarge, queue: gpu}',
        'environment: {TOKEN: secret}\nretry: {attempts: 4}\ntimeouts: {join: 5m, run: 1h}\ntags: {project: foraging}\n',
      ),
    );
    expect(request).toEqual({
      jobName: expect.stringMatching(/^sweep-[0-9a-f]{11}$/),
      jobQueue: DEPLOYMENT.queues.gpu?.arn,
      jobDefinition: 'sierra-batch:3',
      nodeOverrides: {
        numNodes: 3,
        nodePropertyOverrides: [
          {
            targetNodes: '0:',
            containerOverrides: {
              instanceType: 'g5.12xlarge',
              environment: [
                { name: 'SIERRA_BATCH_RUN', value: `s3://own-bucket/runs/${request.jobName}` },
                { name: 'SIERRA_BATCH_PLAN_SHA256', value: PLAN_SHA256 },
                { name: 'SIERRA_BATCH_SHARED', value: '/mnt/efs' },
                { name: 'SIERRA_BATCH_JOIN_PORT', value: '7741' },
                { name: 'SIERRA_BATCH_SSH_PORT', value: '22' },
                { name: 'SIERRA_BATCH_STOP_SECONDS', value: '30' },
              ],
              resourceRequirements: [
                { type: 'VCPU', value: '8' },
                { type: 'MEMORY', value: '16384' },
                { type: 'GPU', value: '2' },
              ],
            },
          },
        ],
      },
      retryStrategy: expect.objectContaining({ attempts: 4 }),
      // Joining and sending results are part of Batch's time.
      timeout: { attemptDurationSeconds: 300 + 3600 + 900 },
      tags: { project: 'foraging', 'sierra-batch:run': request.jobName, 'sierra-batch:nonce': NONCE },
      propagateTags: true,
    });
    expect(JSON.stringify(request)).not.toContain('secret');
  });

  it('takes from the deployment what the manifest leaves out', () => {
    const { jobQueue, nodeOverrides } = requestOf(manifestWith('{nodes: 1}'));
    expect(jobQueue).toBe(DEPLOYMENT.queues.standard?.arn);
    // The definition tells what the stack's own hosts give a container to end.
    expect(JSON.stringify(nodeOverrides)).not.toContain('SIERRA_BATCH_STOP_SECONDS');
    expect(nodeOverrides?.nodePropertyOverrides?.[0]?.containerOverrides?.resourceRequirements).toEqual([
      { type: 'VCPU', value: '4' },
      { type: 'MEMORY', value: '8192' },
    ]);
    expect(nodeOverrides?.nodePropertyOverrides?.[0]?.containerOverrides).not.toHaveProperty('instanceType');
  });

  it('names share and priority in a fair-share queue, and neither in another', () => {
    expect(requestOf(manifestWith('{nodes: 1}'))).toMatchObject({
      shareIdentifier: expect.stringMatching(/^[A-Za-z0-9]{1,255}$/),
      schedulingPriorityOverride: 0,
    });
    const other = requestOf(manifestWith('{nodes: 1, queue: gpu}'));
    expect(other).not.toHaveProperty('shareIdentifier');
    expect(other).not.toHaveProperty('schedulingPriorityOverride');
  });

  it('gives a project one share whatever its manifests are called, and two thousand projects at most 250', () => {
    const shareOf = (name: string, project?: string) =>
      requestOf(
        manifestWith('{nodes: 1}', project === undefined ? '' : `tags: {project: "${project}"}\n`).replace(
          'name: sweep',
          `name: ${name}`,
        ),
      ).shareIdentifier;
    expect(shareOf('one', 'foraging')).toBe(shareOf('two', 'foraging'));
    expect(shareOf('one')).toBe(shareOf('one'));
    expect(shareOf('one')).not.toBe(shareOf('two'));
    const shares = new Set(Array.from({ length: 2000 }, (_, index) => shareOf('one', `p${index}`)));
    expect(shares.size).toBeGreaterThan(200);
    expect(shares.size).toBeLessThanOrEqual(250);
  });

  it('tags of a manifest never take the place of those by which a job is found again', () => {
    const tags = Array.from({ length: 40 }, (_, index) => `t${index}: "${'v'.repeat(256)}"`).join(', ');
    const request = requestOf(manifestWith('{nodes: 1}', `tags: {${tags}}\n`));
    expectWithinLimits(request);
    expect(Object.keys(request.tags ?? {})).toHaveLength(42);
    expect(request.tags?.['sierra-batch:run']).toBe(request.jobName);
  });

  it.each([
    [0, '', 'EXIT'],
    [1, '', 'EXIT'],
    [2, '', 'EXIT'],
    [3, '', 'RETRY'],
    [4, '', 'RETRY'],
    [5, '', 'EXIT'],
    [6, '', 'EXIT'],
    [7, '', 'EXIT'],
    [124, '', 'EXIT'],
    [137, 'Host EC2 (instance i-1) terminated.', 'RETRY'],
    [137, 'Essential container in task exited', 'EXIT'],
    [143, '', 'EXIT'],
    [undefined, 'CannotPullContainerError', 'EXIT'],
  ])('exit code %s with status reason %j is answered by %s', (exitCode, statusReason, action) => {
    const rules = requestOf(manifestWith('{nodes: 1}')).retryStrategy?.evaluateOnExit ?? [];
    // Batch's own reading: the first rule all of whose conditions hold; none means another try.
    const holds = (glob: string | undefined, text: string) =>
      glob === undefined || (glob.endsWith('*') ? text.startsWith(glob.slice(0, -1)) : text === glob);
    const rule = rules.find(
      ({ onExitCode, onStatusReason, onReason }) =>
        holds(onExitCode, String(exitCode)) && holds(onStatusReason, statusReason) && holds(onReason, ''),
    );
    expect(rule?.action ?? 'RETRY').toBe(action);
    expect(rules.at(-1)).toEqual({ onReason: '*', action: 'EXIT' });
  });

  it('keeps within the limits for any accepted numbers', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 60, max: 14 * 86_400 }),
        fc.integer({ min: 1, max: 10 }),
        fc.stringMatching(/^[a-z](?:[a-z0-9-]{0,58}[a-z0-9])?$/),
        (nodes, run, attempts, name) => {
          const text = manifestWith(
            `{nodes: ${nodes}}`,
            `timeouts: {run: ${run}s}\nretry: {attempts: ${attempts}}\n`,
          );
          const request = requestOf(text.replace('name: sweep', `name: ${JSON.stringify(name)}`));
          expectWithinLimits(request);
          expect(request.nodeOverrides?.numNodes).toBe(nodes);
        },
      ),
    );
  });
});
