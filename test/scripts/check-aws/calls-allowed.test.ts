import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanJobRequests, salvageJobRequest } from '../../../experiment/batch/maintenance-job.ts';
import { allows, statementsOfRole } from '../../../scripts/check-aws/rules/policies.ts';
import type { Json } from '../../../scripts/check-aws/template/json.ts';
import { listAt } from '../../../scripts/check-aws/template/json.ts';
import { readTemplate } from '../../../scripts/check-aws/template/read.ts';
import { resolveTemplate } from '../../../scripts/check-aws/template/resolve.ts';
import { recordTo } from '../../aws/calls/record-calls.ts';
import { controlPlane } from '../../support/control-plane.ts';
import { SimulatedLambda } from '../../worlds/simulation/cloud/invocations.ts';
import { BUCKET, makeWorld } from '../../worlds/simulation/cloud/world.ts';
import { runSeed } from '../../worlds/simulation/run-seed.ts';
import type { Need } from './needs-of-a-call.ts';
import { needsOf } from './needs-of-a-call.ts';

const template = readFileSync(new URL('../../../template.yaml', import.meta.url), 'utf8');
const ROLES: Readonly<Record<string, string>> = {
  ingest: 'IngestRole',
  submit: 'SubmitRole',
  settle: 'SettleRole',
  collect: 'CollectRole',
};

const needs = new Map<string, Need & { who: string }>();
const operations = new Set<string>();
const caller = new AsyncLocalStorage<string>();
const undo: (() => void)[] = [];

const record = recordTo((call) => {
  const who = caller.getStore();
  if (who === undefined) return;
  operations.add(`${who} ${call.operation}`);
  for (const need of needsOf(call)) needs.set(`${who} ${need.action} ${need.resource}`, { who, ...need });
});

/** Every call that a role or an operator made, over a few seeds, a run with wishes of its own, and maintenance. */
beforeAll(async () => {
  const { invoke } = SimulatedLambda.prototype;
  const invokeAs: typeof invoke = function (this: SimulatedLambda, name, make, event) {
    return caller.run(ROLES[name] ?? name, () => Reflect.apply(invoke, this, [name, make, event]));
  };
  SimulatedLambda.prototype.invoke = invokeAs;
  undo.push(() => {
    SimulatedLambda.prototype.invoke = invoke;
  });
  for (let seed = 1; seed <= 8; seed += 1) await runSeed(seed, { record });
  await runWithWishes();
  await maintain();
});
afterAll(() => {
  for (const each of undo) each();
});

async function runWithWishes(): Promise<void> {
  const { s3, clock, localBatch } = await makeWorld(1, { keep: new Set(), record });
  const manifest = `apiVersion: sierra-batch/v1
name: own
cluster: {nodes: 2, vcpus: 2, memory: 1GiB, image: "lab/own:1", sharedMemory: 512MiB, instanceType: c6i.large}
run: {commands: {list: [a]}}
tags: {project: foraging}
`;
  await s3.putObject({ Bucket: BUCKET, Key: 'manifests/own.yaml', Body: manifest });
  expect(await clock.runUntil(() => localBatch.allJobs().length > 0, 60_000)).toBe(true);
}

async function maintain(): Promise<void> {
  const { batch, deps } = await controlPlane();
  const operators = record('Batch', batch);
  const order = { runIds: ['own-0123456789a'], workspaces: [] };
  await caller.run('OperatorPolicy', async () => {
    for (const request of [
      salvageJobRequest('own-0123456789a', deps.deployment),
      ...cleanJobRequests(order, deps.deployment, 'n'),
    ])
      await operators.submitJob(request);
  });
}

/** What the policies of a template do not allow of it. */
function refused(changed: (template: Json) => void = () => undefined): string[] {
  const parsed = readTemplate(template);
  changed(parsed);
  const stack = resolveTemplate(parsed, 'as it is');
  return [...needs.values()]
    .filter(({ who, action, resource }) => !allows(statementsOfRole(stack, who), action, resource))
    .map(({ who, action, resource }) => `${who} ${action} ${resource}`);
}

describe('every call of the functions and of operators, judged by the template’s policies', () => {
  it('is allowed, as AWS asks for it', () => {
    expect(refused()).toEqual([]);
    for (const operation of [
      'IngestRole StartExecution',
      'SubmitRole SubmitJob',
      'SubmitRole RegisterJobDefinition',
      'SettleRole SubmitJob',
      'SettleRole TerminateJob',
      'SettleRole SendTaskSuccess',
      'SettleRole Publish',
      'SettleRole ListObjectVersions',
      'CollectRole PutObject',
      'OperatorPolicy SubmitJob',
    ])
      expect([...operations], operation).toContain(operation);
  });

  it('would be refused on the job’s definition and queue with tags on the job alone', () => {
    const without = refused((parsed) => {
      const [submit] = listAt(
        parsed,
        'Resources',
        'SettlePolicy',
        'Properties',
        'PolicyDocument',
        'Statement',
      );
      Object.assign(Object(submit), { Action: 'batch:SubmitJob' });
    });
    expect(without).toContain('SettleRole batch:TagResource <JobQueue>');
    expect(without.join('\n')).toMatch(/SettleRole batch:TagResource \S+:job-definition\/stack-node:1/);
  });

  it('would be refused where a definition’s roles may not be passed', () => {
    const without = refused((parsed) => {
      listAt(parsed, 'Resources', 'SettlePolicy', 'Properties', 'PolicyDocument', 'Statement').splice(5, 1);
    });
    expect(without).toEqual([
      'SubmitRole iam:PassRole <JobRole.Arn>',
      'SubmitRole iam:PassRole <ExecutionRole.Arn>',
    ]);
  });
});
