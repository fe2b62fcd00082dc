import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runKeys } from '../../../experiment/layout/bucket-keys.ts';
import { executionArn } from '../../../experiment/run/execution.ts';
import type { LoopbackServer } from '../../../local/http/server.ts';
import { startLoopbackServer } from '../../../local/http/server.ts';
import { bundleFunction, FUNCTIONS } from '../../../scripts/build/bundle.ts';
import type { ControlPlane } from '../../support/control-plane.ts';
import { controlPlane, MANIFEST, runIdOf, STATE_MACHINE } from '../../support/control-plane.ts';
import { CALLERS, FUNCTION_ENVIRONMENT } from '../../support/function-environment.ts';
import type { EmulatedFunction } from './emulator.ts';
import { emulateFunction } from './emulator.ts';

type Name = (typeof FUNCTIONS)[number];

let folder = '';

beforeAll(async () => {
  // Away from node_modules, so that nothing is found that was not bundled.
  folder = await mkdtemp(join(tmpdir(), 'sierra-batch-runtime-'));
  for (const name of FUNCTIONS) await bundleFunction(name, join(folder, name));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('bundles', () => {
  it('of functions call no `require`, which an ES module does not have', async () => {
    for (const name of FUNCTIONS)
      for (const file of (await readdir(join(folder, name))).filter((each) => each.endsWith('.mjs'))) {
        const code = await readFile(join(folder, name, file), 'utf8');
        expect(code.includes('Dynamic require of'), `${name}/${file}`).toBe(false);
      }
  });
});

describe("the bundles in AWS's runtime emulator, started by AWS's runtime client", () => {
  const emulated = new Map<Name, EmulatedFunction>();
  let plane: ControlPlane;
  let server: LoopbackServer;

  beforeAll(async () => {
    expect(process.version).toMatch(/^v24\./);
    plane = await controlPlane();
    const { s3, batch, states } = plane;
    server = await startLoopbackServer({ s3, batch, states, callers: CALLERS, addresses: new Map() });
    for (const name of FUNCTIONS)
      emulated.set(
        name,
        await emulateFunction(join(folder, name), {
          ...FUNCTION_ENVIRONMENT,
          SIERRA_BATCH_JOB_DEFINITION: plane.deps.deployment.jobDefinition,
          AWS_ENDPOINT_URL: server.url,
          AWS_ENDPOINT_URL_S3: server.url,
        }),
      );
  });
  afterAll(async () => {
    for (const each of emulated.values()) await each.close();
    await server?.close();
  });
  const invoke = (name: Name, event: unknown) => emulated.get(name)?.invoke(event);

  it('answer real events: a manifest becomes a run, which is cancelled and collected', async () => {
    const event = await plane.put('manifests/sweep.yaml', MANIFEST);
    const runId = runIdOf(event, 'sweep');
    expect(await invoke('ingest', event)).toBeNull();
    await plane.pass(1);
    expect(plane.record(runId)?.status).toBe('RUNNING');

    // What the state machine matches on is what Lambda makes of a thrown error.
    expect(await invoke('collect', { runId })).toMatchObject({ errorType: 'StillStopping' });
    await plane.states.stopExecution({ executionArn: executionArn(STATE_MACHINE, runId) });
    expect(await invoke('settle', { source: 'aws.states', detail: { name: runId } })).toBeNull();
    await plane.pass(1);
    expect(await invoke('settle', { source: 'aws.events', detail: {} })).toBeNull();
    expect(plane.localBatch.liveJobs()).toEqual([]);
    expect(await invoke('collect', { runId })).toMatchObject({ outcome: 'cancelled' });
    expect(await plane.text(runKeys(runId).report)).toContain('<html');
    expect(await invoke('submit', { runId, token: 't', retryCount: 1 })).toMatchObject({
      errorType: 'RunRefused',
    });
  });

  it('say in their logs what went wrong, and nothing that Powertools drops', async () => {
    const runId = 'nobodys-00000000000';
    expect(await invoke('submit', { runId, token: 't', retryCount: 0 })).toMatchObject({
      errorType: 'UnknownRecord',
    });
    const lines = emulated.get('submit')?.log().split('\n') ?? [];
    const failed = lines.find((line) => line.includes('Submit:Failed') && line.includes(runId));
    expect(JSON.parse(failed ?? '{}')).toMatchObject({ family: 'terminal', error: 'UnknownRecord' });
    for (const each of emulated.values()) expect(each.log()).not.toContain('reserved key');
  });

  it('are up within a second, modules loaded', () => {
    const took = FUNCTIONS.map((name) => {
      const report = /INIT REPORT\(durationMs: ([\d.]+)\)/.exec(emulated.get(name)?.log() ?? '');
      return { name, milliseconds: Number(report?.[1] ?? Number.POSITIVE_INFINITY) };
    });
    expect(took.filter(({ milliseconds }) => milliseconds > 1000)).toEqual([]);
  });
});
