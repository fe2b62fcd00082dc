import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { Hello } from '../../../../container/join/messages.ts';
import { renderMessage } from '../../../../container/join/messages.ts';
import { runKeys } from '../../../../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../../../../experiment/layout/run-id.ts';
import { realClock } from '../../../../local/clock/real.ts';
import { JOIN_PORT } from '../../../../local/system/deployment.ts';
import { readText } from '../../../../test/aws/read-object.ts';
import type { Machine } from '../machine/machine.ts';
import { environmentOf, runnerOn } from '../on-machines.ts';
import type { FaultRun } from './fault-run.ts';
import { measured, task } from './fault-run.ts';
import { fault } from './fault-test.ts';
import { expectSound } from './soundness.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const STRANGER = path('./stranger.ts');
const EAVESDROPPER = path('./eavesdropper.py');
const INIT = path('../machine/container-init.pl');
const RUNNER = path('../../../../container/main.ts');
const CONNECTIONS = 10_000;

const tasks = (count: number, seconds: number) => Array.from({ length: count }, () => task(seconds));
/** Three machines, of which the job has two. */
const PAIR = { cluster: { nodes: 2, vcpus: 2, memory: '512MiB' }, minNodes: 2 };

/** A command on a machine, outside of any container. Answers what it wrote. */
async function on(machine: Machine, ...command: string[]): Promise<string> {
  const child = spawn('nsenter', [...machine.entry, '--', ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await once(child, 'close');
  return said.trim();
}

const knock = (machine: Machine, ...what: string[]) =>
  on(machine, process.execPath, STRANGER, '10.0.1.10', String(JOIN_PORT), ...what);

fault(
  'strangers at the join port: refused, told once, and neither a join nor the run is held up',
  async ({ start }) => {
    let heard = Promise.resolve('');
    let flooding = Promise.resolve('');
    const run = await start({
      nodes: 3,
      // The run lasts as long as the strangers need.
      commands: ['until [ -e /mnt/efs/enough ]; do sleep 0.2; done', ...tasks(11, 2)],
      manifest: PAIR,
      before: async (before) => {
        heard = on(before.machine(1), '/usr/bin/python3', EAVESDROPPER, String(JOIN_PORT), '"t":"join"');
        // They are there before any worker is, and still when it comes.
        flooding = knock(before.machine(2), 'flood', String(CONNECTIONS), '8');
      },
    });
    const since = Date.now();
    const [hello = '', joining = ''] = Buffer.from(await heard, 'base64')
      .toString()
      .split('\n');
    expect(joining).toContain('"t":"join"');
    const line = (text: string) => Buffer.from(text).toString('base64');
    const stranger = run.machine(2);
    const me: Hello = { ...(JSON.parse(hello) as Hello), nonce: randomBytes(16).toString('hex') };
    const forged = { t: 'join' as const, facts: '{}', mac: randomBytes(32).toString('hex') };
    const joined = await run.event(0, 'Node:LetIn');
    const connections = Number(await flooding);
    const flooded = Date.now();
    measured('10,000 strange connections', 'a worker let in', joined - since);
    measured('10,000 strange connections', 'all taken away', flooded - since);
    expect(connections).toBeGreaterThanOrEqual(CONNECTIONS);
    expect(joined).toBeLessThan(flooded);
    // While it floods, a stranger takes away its own other connections; who is alone hears what is wrong.
    const [silence, garbage, words, wrongKey, replay] = await Promise.all([
      knock(stranger, 'say'),
      knock(stranger, 'say', 'random'),
      knock(stranger, 'say', line('{"t":"release"}\n')),
      knock(stranger, 'say', line(renderMessage(me)), line(renderMessage(forged))),
      knock(stranger, 'say', line(`${hello}\n`), line(`${joining}\n`)),
    ]);
    measured('a silent stranger', 'refused', Date.now() - flooded);
    expect(silence).toMatch(/"t":"refused".*silence/);
    expect(garbage).toMatch(/^$|"t":"refused"/); // One that still talks may not hear it.
    expect(words).toMatch(/"t":"refused".*not a hello/);
    for (const answer of [wrongKey, replay]) expect(answer).toMatch(/"t":"refused","why":"wrong key"/);
    writeFileSync(join(run.shared, 'enough'), '');
    const { exitCode, rows, nodes } = await run.ended();
    expect(exitCode).toBe(0);
    expect(nodes.map(({ state }) => state)).toEqual(['released', 'released']);
    expect(run.events(0, 'Node:LetIn').map(({ index }) => index)).toEqual([1]);
    const refused = run.events(0, 'Join:Refused').map(({ remote, why }) => `${remote} ${why}`);
    expect(new Set(refused).size).toBe(refused.length);
    expect(refused.length).toBeLessThan(10);
    expect(refused.every((told) => told.startsWith('10.0.1.12'))).toBe(true);
    expect(run.log(0)).not.toContain('Leases:AllRenewed');
    expectSound(run, rows, 12);
    await run.clean();
  },
);

/** The real runner on the third machine, as Batch would start it, with some of its variables different. */
async function runnerBesides(run: FaultRun, like: number, change: Record<string, string>) {
  const { ECS_CONTAINER_METADATA_URI_V4: _ofAnother, ...environment } = environmentOf(
    runnerOn(run.machine(like)),
  );
  const child = run
    .machine(2)
    .spawnContainer(['perl', INIT, process.execPath, RUNNER], { ...environment, ...change });
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  child.stderr?.resume();
  const [code] = await once(child, 'close');
  return { code, said };
}

fault(
  'a worker of an earlier attempt that lives on: the next attempt refuses it, and it ends',
  async ({ start, random }) => {
    const run = await start({
      nodes: 3,
      commands: tasks(12, 6),
      manifest: { ...PAIR, retry: { attempts: 2 } },
      // In its place comes a worker on a machine that Batch has lost sight of: nobody ends it.
      before: async (before) => before.machine(1).freeze(),
    });
    await run.event(0, 'Join:Listening');
    const earlier = runnerBesides(run, 0, {
      AWS_BATCH_JOB_NODE_INDEX: '1',
      AWS_BATCH_JOB_MAIN_NODE_PRIVATE_IPV4_ADDRESS: '10.0.1.10',
    });
    await run.tasksOn(1);
    await realClock.sleep(random.between(0, 2000));
    const frozen = Date.now();
    run.machine(2).freeze();
    await run.event(0, 'Node:Lost');
    run.machine(1).thaw();
    const listening = () => run.events(0, 'Join:Listening', 2).length > 0;
    await run.until(listening, 60_000, 'the next attempt');
    const thawed = Date.now();
    run.machine(2).thaw();
    const { code, said } = await earlier;
    measured('a worker of an earlier attempt', 'thawed → ended', Date.now() - thawed);
    expect(code).toBe(4);
    expect(said).toMatch(/"why":"another run, job or attempt is here","event":"Node:GivesUp"/);
    const { exitCode, rows, nodes, progress } = await run.ended();
    expect(exitCode).toBe(0);
    expect(progress.attempt).toBe(2);
    expect(nodes.map(({ state }) => state)).toEqual(['released', 'released']);
    expect(run.events(0, 'Join:Refused', 2).map(({ remote, why }) => `${remote} ${why}`)).toEqual([
      '10.0.1.12 another run, job or attempt is here',
    ]);
    expectSound(run, rows, 12, [1], { node: 1, attempt: 1, from: frozen / 1000, to: thawed / 1000 });
    const ofEarlier = run.said().filter(({ node, attempt }) => node === 1 && attempt === 1);
    expect(Math.max(...ofEarlier.map(({ at }) => at * 1000))).toBeLessThan(thawed + 2000);
    await run.clean();
  },
);

fault(
  'a worker of another run, of another attempt, one too many, a second job of the run: refused; exit 6',
  async ({ start }) => {
    const run = await start({ nodes: 3, commands: tasks(16, 4), manifest: PAIR });
    await run.tasksOn(0, 1);
    const { s3, bucket } = run.system;
    const another = makeRunId('another', { bucket, key: 'manifests/another.json', version: '1' });
    const plan = (await readText(s3, bucket, runKeys(run.runId).plan)) ?? '';
    const planOfAnother = JSON.stringify({ ...JSON.parse(plan), runId: another });
    await s3.putObject({ Bucket: bucket, Key: runKeys(another).plan, Body: planOfAnother });
    const since = Date.now();
    const ofAnotherRun = await runnerBesides(run, 1, {
      SIERRA_BATCH_RUN: `s3://${bucket}/runs/${another}`,
      SIERRA_BATCH_PLAN_SHA256: createHash('sha256').update(planOfAnother).digest('hex'),
    });
    const ofAnotherAttempt = await runnerBesides(run, 1, { AWS_BATCH_JOB_ATTEMPT: '2' });
    const oneTooMany = await runnerBesides(run, 1, {});
    measured('three workers that do not belong', 'all refused', Date.now() - since);
    const jobSince = Date.now();
    const secondJob = await runnerBesides(run, 0, { AWS_BATCH_JOB_ID: 'another-job' });
    measured('a second job of the run', 'ended with 6', Date.now() - jobSince);
    expect(secondJob.code).toBe(6);
    expect(secondJob.said).toContain('Run:NotOwner');
    for (const { code, said } of [ofAnotherRun, ofAnotherAttempt, oneTooMany]) {
      expect(said).toContain('"kind":"refused"');
      expect(code).toBe(2);
    }
    const refused = run.events(0, 'Join:Refused').map(({ why }) => String(why));
    // The same is said once.
    expect(refused.map((why) => why.split(',')[0])).toEqual(['another run', 'node 1 is already here']);
    const { exitCode, rows, nodes } = await run.ended();
    expect(exitCode).toBe(0);
    expect(nodes.map(({ state }) => state)).toEqual(['released', 'released']);
    expectSound(run, rows, 16);
    await run.clean();
  },
);
