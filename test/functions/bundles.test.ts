import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { executionArn } from '../../experiment/run/execution.ts';
import type { LoopbackServer } from '../../local/http/server.ts';
import { startLoopbackServer } from '../../local/http/server.ts';
import { bundleFunction, FUNCTIONS } from '../../scripts/build/bundle.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { controlPlane, MANIFEST, runIdOf, STATE_MACHINE } from '../support/control-plane.ts';
import { CALLERS, FUNCTION_ENVIRONMENT } from '../support/function-environment.ts';
import { tellingServer } from './notification-server.ts';

const MARK = 'RESULT ';
/** As Lambda's runtime calls a handler, and reports what it threw. */
const RUNTIME = `
const { handler } = await import(process.argv[2]);
const result = await handler(JSON.parse(process.argv[3]), { awsRequestId: '1' })
  .then((output) => ({ output: output ?? null }), ({ name, message }) => ({ errorType: name, errorMessage: message }));
process.stdout.write('\\n${MARK}' + JSON.stringify(result) + '\\n');
`;

let folder = '';
let plane: ControlPlane;
let server: LoopbackServer | undefined;
let told: Awaited<ReturnType<typeof tellingServer>>;

beforeAll(async () => {
  // Away from node_modules, so that nothing is found that was not bundled.
  folder = await mkdtemp(join(tmpdir(), 'sierra-batch-bundles-'));
  await writeFile(join(folder, 'runtime.mjs'), RUNTIME);
  await Promise.all(FUNCTIONS.map((name) => bundleFunction(name, join(folder, name))));
  plane = await controlPlane();
  told = await tellingServer();
  const { s3, batch, states } = plane;
  server = await startLoopbackServer({ s3, batch, states, callers: CALLERS, addresses: new Map() });
});

afterAll(async () => {
  await server?.close();
  told.close();
  await rm(folder, { recursive: true, force: true });
});

/** Calls a bundle in a Node of its own, in an environment like Lambda's and with nothing of this process's. */
async function invoke(name: (typeof FUNCTIONS)[number], event: unknown) {
  const url = server?.url ?? '';
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(folder, 'runtime.mjs'), join(folder, name, 'index.mjs'), JSON.stringify(event)],
    {
      cwd: folder,
      timeout: 20_000,
      env: {
        ...FUNCTION_ENVIRONMENT,
        AWS_ENDPOINT_URL_S3: url,
        AWS_ENDPOINT_URL_BATCH: url,
        AWS_ENDPOINT_URL_SFN: url,
        AWS_ENDPOINT_URL_EVENTBRIDGE: told.url,
        AWS_ENDPOINT_URL_SNS: told.url,
        AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
        LAMBDA_TASK_ROOT: join(folder, name),
        SIERRA_BATCH_JOB_DEFINITION: plane.deps.deployment.jobDefinition,
      },
    },
  );
  const line = stdout.split('\n').find((one) => one.startsWith(MARK)) ?? `${MARK}null`;
  const result: unknown = JSON.parse(line.slice(MARK.length));
  return result;
}

it('the bundles run on Node 24 with nothing beside them: from a manifest to the end of a cancelled run', async () => {
  expect(process.version).toMatch(/^v24\./);
  const event = await plane.put('manifests/sweep.yaml', `${MANIFEST}notify: [cancelled]\n`);
  const runId = runIdOf(event, 'sweep');
  expect(await invoke('ingest', event)).toEqual({ output: null });
  await plane.pass(1);
  expect(plane.record(runId)?.status).toBe('RUNNING');
  expect(plane.localBatch.liveJobs()).toHaveLength(1);

  expect(await invoke('collect', { runId })).toMatchObject({ errorType: 'StillStopping' });

  await plane.states.stopExecution({ executionArn: executionArn(STATE_MACHINE, runId) });
  // The manifest's event once more: its execution is known by the name of an error.
  expect(await invoke('ingest', event)).toEqual({ output: null });
  expect(await invoke('settle', { source: 'aws.states', detail: { name: runId } })).toEqual({ output: null });
  await plane.pass(1);
  expect(plane.localBatch.liveJobs()).toEqual([]);
  expect(await invoke('settle', { source: 'aws.scheduler', detail: {} })).toEqual({ output: null });
  expect(await plane.json(runKeys(runId).control)).toHaveProperty('closedAt');
  expect(told.events.map(({ state }) => state)).toContain('cancelled');
  expect(told.subjects).toEqual([expect.stringMatching(/^■ sweep was cancelled/)]);

  expect(await invoke('collect', { runId })).toMatchObject({ output: { outcome: 'cancelled' } });
  expect(await plane.text(runKeys(runId).report)).toContain('<html');
  const late = { runId, token: 't', retryCount: 1 };
  expect(await invoke('submit', late)).toMatchObject({ errorType: 'RunRefused' });
  const nobodys = { ...late, runId: 'a-00000000000' };
  expect(await invoke('submit', nobodys)).toMatchObject({ errorType: 'UnknownRecord' });
});

it('the bundle of submit registers the definition that a manifest wants of its own, and submits the job', async () => {
  const own = MANIFEST.replace('vcpus: 2', 'vcpus: 2, sharedMemory: 512MiB').replace('sweep', 'own');
  const event = await plane.put('manifests/own.yaml', own);
  expect(await invoke('ingest', event)).toEqual({ output: null });
  // Before the state machine's own call: nobody else has submitted.
  expect(await invoke('submit', { runId: runIdOf(event, 'own'), token: 't', retryCount: 0 })).toEqual({
    output: null,
  });
  const job = plane.localBatch.allJobs().find(({ name }) => name.startsWith('own-'));
  expect(job?.definition.nodes.nodeRangeProperties?.[0]?.container?.linuxParameters).toEqual({
    sharedMemorySize: 512,
  });
});

it('a rejection comes out of the bundle with its faults', async () => {
  const event = await plane.put('manifests/bad.yaml', 'name: Bad\n');
  expect(await invoke('ingest', event)).toEqual({ output: null });
  const keys = await plane.keys('rejected/manifests/bad.yaml');
  expect(keys).toHaveLength(2);
  expect(await plane.text(keys[1] ?? '')).toContain('cluster');
  expect(told.events.at(-1)).toMatchObject({ state: 'rejected', manifest: { key: 'manifests/bad.yaml' } });
});

it('the names that the state machine matches on are literals in the minified code of who throws them', async () => {
  const thrown = {
    submit: ['RunRefused', 'UnknownRecord', 'ServiceUnavailable', 'ControlConflict'],
    settle: ['StillStopping', 'UnknownRecord', 'RunIdCollision', 'ServiceUnavailable', 'ControlConflict'],
    collect: ['StillStopping', 'UnknownRecord', 'ServiceUnavailable', 'ControlConflict'],
  };
  for (const [bundle, names] of Object.entries(thrown)) {
    const code = await readFile(join(folder, bundle, 'index.mjs'), 'utf8');
    const lost = names.filter((name) => !new RegExp(`name\\s*=\\s*"${name}"`).test(code));
    expect(lost, bundle).toEqual([]);
  }
});

it('nothing asks a class for its name, which is another one in the minified code', async () => {
  const asking: string[] = [];
  for (const room of ['experiment', 'functions', 'report'])
    for (const file of await readdir(new URL(`../../${room}`, import.meta.url), { recursive: true }))
      if (file.endsWith('.ts')) {
        const code = await readFile(new URL(`../../${room}/${file}`, import.meta.url), 'utf8');
        for (const [found] of code.matchAll(/\b[A-Z]\w*[a-z]\w*\.name\b|constructor\.name/g))
          asking.push(`${room}/${file}: ${found}`);
      }
  expect(asking).toEqual([]);
});
