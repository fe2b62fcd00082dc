import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import { plan } from '../../cli/commands/manifest/plan.ts';
import { resume } from '../../cli/commands/runs/resume.ts';
import { s3Store } from '../../cli/context/s3-store.ts';
import type { LiveSystem } from '../../cli/context/target.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import { makeRunId } from '../../experiment/layout/run-id.ts';
import type { Manifest } from '../../experiment/manifest/parse.ts';
import type { RunState } from '../../experiment/records/status.ts';
import type { JoblogRow } from '../../experiment/results/joblog.ts';
import { renderJoblog } from '../../experiment/results/joblog.ts';
import type { Version } from '../../experiment/results/versions.ts';
import { versionId } from '../../experiment/results/versions.ts';
import { realClock } from '../../local/clock/real.ts';
import { countResumed } from '../../submission/count-resumed.ts';
import { dropText } from '../../submission/drop-manifest.ts';
import { packInputs } from '../../submission/pack.ts';
import { aPlan, aRow, aStatus, START } from '../fixtures/records.ts';
import { memoryS3 } from '../support/memory-s3.ts';
import { aTarget, contextIn, folderOfItsOwn } from './context.ts';

const list = (commands: readonly string[], more = '') =>
  `apiVersion: sierra-batch/v1\nname: sweep\ncluster: {nodes: 4, vcpus: 2}\nminNodes: 2\n${more}run: {commands: {list: ${JSON.stringify(commands)}}}\n`;

interface Left {
  state?: RunState;
  rows?: readonly JoblogRow[];
  commands?: readonly string[];
  outputs?: readonly string[];
  missing?: readonly string[];
  versions?: readonly Version[];
}

/** A run of three commands that has left this in the bucket. @param cwd whose folder was sent with it */
async function aRun(left: Left = {}, cwd?: string) {
  const { state = 'failed', commands = ['a', 'b', 'c'], outputs = [], missing = [] } = left;
  const s3 = memoryS3('b');
  const put = async (Key: string, Body: string) => s3.putObject({ Bucket: 'b', Key, Body });
  const bucket = async () => new Bucket(s3, 'b', realClock);
  const sent = cwd === undefined ? '' : `inputs: [{from: ${await packed(await bucket(), cwd)}, to: .}]\n`;
  const dropped = await put('manifests/1/sweep.yaml', list(commands, sent));
  const source = { bucket: 'b', key: 'manifests/1/sweep.yaml', version: dropped.VersionId ?? '' };
  const runId = makeRunId('sweep', source);
  const keys = runKeys(runId);
  await put(keys.status, JSON.stringify(aStatus({ runId, state })));
  await put(keys.manifest, list(['rm -rf /']));
  await put(keys.plan, JSON.stringify(aPlan({ runId, source, outputs })));
  await put(keys.joblog, renderJoblog(left.rows ?? []));
  await put(keys.commands, commands.map((line) => `${line}\n`).join(''));
  await put(keys.outputIndex, JSON.stringify({ files: [], missing }));
  if (left.versions !== undefined) await put(keys.versions, JSON.stringify(left.versions));
  const live = { bucket, deployment: { bucket: 'b' } } as unknown as LiveSystem;
  const at = aTarget(s3Store(bucket), { live });
  const manifests = async () => {
    const { Contents = [] } = await s3.listObjectsV2({ Bucket: 'b', Prefix: 'manifests/' });
    const keysNow = Contents.flatMap(({ Key = '' }) => (Key === source.key ? [] : [Key]));
    const texts = keysNow.map(async (Key) => {
      const { Body } = await s3.getObject({ Bucket: 'b', Key });
      return (await Body?.transformToString()) ?? '';
    });
    return Promise.all(texts);
  };
  const said: string[] = [];
  /** Drops a manifest that goes on with it. */
  const goOn = async (text: string) => {
    const destination = {
      bucket: await bucket(),
      clock: realClock,
      nonce: () => '0123456789',
      lookMs: 1,
      acceptedWithinMs: 0,
      say: (sentence: string) => said.push(sentence),
    };
    return dropText(destination, 'm.yaml', 'sweep', text);
  };
  const { context, said: shown } = contextIn(cwd ?? folderOfItsOwn(), { at });
  return { context, shown, runId, keys, put, manifests, goOn, said, bucket };
}

/** The folder of the user, as it is sent. */
async function packed(bucket: Bucket, cwd: string): Promise<unknown> {
  const manifest = { inputs: [{ from: '.', to: '.' }], run: {} } as unknown as Manifest;
  const [edit] = await packInputs(bucket, join(cwd, 'sweep.yaml'), manifest, { now: () => 0 });
  return edit?.value;
}

const done = (commands: readonly string[]) => commands.map((command, at) => aRow(at + 1, { command }));

it.each(['queued', 'running', 'collecting'] as const)(
  'a run that is %s is not gone on with',
  async (state) => {
    const { context, runId, manifests } = await aRun({ state });
    await expect(resume(context, runId, {})).rejects.toThrow(
      `the run ${runId} is ${state}: only a run that has ended can be resumed`,
    );
    expect(await manifests()).toEqual([]);
  },
);

it('a word that may mean another run than was thought resumes nothing unasked', async () => {
  const { context, runId, manifests } = await aRun();
  await expect(resume(context, 'swee', {})).rejects.toThrow(
    `Resume ${runId} (failed)? Nobody can answer here, so nothing was started; --yes says yes`,
  );
  expect(await manifests()).toEqual([]);
});

it('the manifest is the one that was dropped, whatever a task has put under runs/', async () => {
  const { context, runId, manifests, put, keys } = await aRun();
  const remarks: string[] = [];
  context.terminal.remark = (text) => void remarks.push(text);
  await expect(resume(context, 'last', { yes: true })).rejects.toThrow(/has neither accepted nor rejected/);
  expect(remarks[0]).toBe(`Resuming ${runId}.`);
  expect(await manifests()).toEqual([
    list(['a', 'b', 'c']).replace('apiVersion', `"resume": "${runId}"\napiVersion`),
  ]);

  // Of another manifest, or another version of it, the id would be another one.
  const source = { bucket: 'b', key: 'manifests/1/sweep.yaml', version: 'other' };
  await put(keys.plan, JSON.stringify(aPlan({ runId, source })));
  await expect(resume(context, runId, {})).rejects.toThrow(
    /does not say truly which manifest it was made from/,
  );
});

it('programs that differ from what was sent are named before anybody is asked, and the way to run them', async () => {
  const cwd = folderOfItsOwn();
  const programs = ['sim.py', 'lib/a.py', 'lib/b.py', 'lib/c.py'];
  mkdirSync(join(cwd, 'lib'));
  for (const name of programs) writeFileSync(join(cwd, name), 'old');
  writeFileSync(join(cwd, 'sweep.yaml'), list(['a'], 'inputs: [{from: ., to: .}]\n'));
  const { context, shown, runId } = await aRun({}, cwd);
  const asked = async () => {
    shown.err = '';
    await expect(resume(context, 'last', {})).rejects.toThrow(
      `Resume ${runId} (failed)? Nobody can answer here, so nothing was started; --yes says yes`,
    );
    return shown.err;
  };
  writeFileSync(join(cwd, 'notes.txt'), 'new, so it was not sent');
  expect(await asked()).toBe('');
  writeFileSync(join(cwd, 'sim.py'), 'new');
  expect(await asked()).toBe(
    `sim.py differs from what this run was sent; \`sierra-batch resume\` runs the old one. To run the new one, run \`sierra-batch run sweep.yaml --resume ${runId}\`.\n`,
  );
  for (const name of programs) writeFileSync(join(cwd, name), 'newer');
  expect(await asked()).toMatch(/^[^,]+, [^,]+, [^,]+ and 1 more differ from .* runs the old ones\./);
  rmSync(join(cwd, 'sweep.yaml'));
  expect(await asked()).toBe('');
});

it('of a sweep that grew only what is new or failed is counted to run, wherever it stands', async () => {
  const rows = [
    ...done(['a', 'b', 'c']),
    aRow(2, { command: 'b', exitval: 1 }),
    aRow(3, { command: 'c', runtime: 100 }),
  ];
  const { goOn, said, runId, manifests } = await aRun({ rows });
  const text = list(['x', 'c', 'b', 'a', 'y'], `resume: ${runId}\n`);
  expect(await goOn(text)).toMatchObject({ kind: 'no-answer' });
  // Three tasks on eight slots take as long as the slowest: 4 nodes × 100 s.
  expect(said).toEqual(['about 2 known, 3 to run, ≤ 0.11 node-hours']);
  expect(await manifests()).toEqual([text]);
});

it('plan counts what is known of the run that a manifest goes on with, where it can be looked at', async () => {
  const { context, runId, said, shown } = await aRun({ rows: done(['a', 'b']) });
  writeFileSync(join(context.cwd, 'm.yaml'), list(['c', 'b', 'a'], `resume: ${runId}\n`));
  expect(await plan(context, 'm.yaml')).toBe(0);
  expect(shown.out).toMatch(/^resume {2}about 2 known, 1 to run, ≤ 0\.011 node-hours$/m);
  const alone = { ...context, target: () => Promise.reject(new Error('no system is here')) };
  expect(await plan(alone, 'm.yaml')).toBe(0);
  expect(said).toEqual([]);
});

it('with nothing to run and nothing to send nothing is started, and that is said', async () => {
  const { goOn, runId, manifests } = await aRun({ state: 'succeeded', rows: done(['a', 'b', 'c']) });
  expect(await goOn(list(['c', 'a'], `resume: ${runId}\n`))).toMatchObject({
    kind: 'nothing-to-do',
    said: `Nothing was started: 2 tasks of ${runId} succeeded, nothing is left to run, and what \`outputs\` names has arrived.`,
  });
  expect(await manifests()).toEqual([]);
});

it.each([
  ['the run had failed', { state: 'failed' as const }, ''],
  ['an output was missing', { outputs: ['out'], missing: ['out'] }, 'outputs: [out]\n'],
  ['another output is named now', {}, 'outputs: [out]\n'],
])('with only sending left one node is asked for: %s', async (_why, left, more) => {
  const { goOn, said, runId, manifests } = await aRun({
    state: 'succeeded',
    rows: done(['a', 'b', 'c']),
    ...left,
  });
  const text = list(['a', 'b', 'c'], `resume: ${runId}\n${more}`);
  await goOn(text);
  expect(await manifests()).toEqual([
    text.replace('nodes: 4', 'nodes: 1').replace('minNodes: 2', 'minNodes: 1'),
  ]);
  expect(said.at(-1)).toBe('Only sending is left: one node is asked for.');
});

it('what another version made is counted and told, and to run where only the same is kept', async () => {
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const parts = { inputs: [{ to: '.', sha256: sha256('old') }], image: null, environment: {} };
  const from = new Date(START - 1000).toISOString();
  const versions = [{ id: versionId(parts), from, ...parts }];
  const { bucket, goOn, said, runId } = await aRun({ rows: done(['a', 'b']), versions });
  const inputs = (content: string) => `inputs: [{from: inputs/${sha256(content)}.tar.gz, to: .}]\n`;
  await goOn(list(['a', 'b', 'c'], `resume: ${runId}\n${inputs('new')}`));
  await goOn(list(['a', 'b', 'c'], `resume: {run: ${runId}, keep: same}\n${inputs('new')}`));
  await goOn(list(['a', 'b', 'c'], `resume: {run: ${runId}, keep: same}\n${inputs('old')}`));
  expect(said.map((each) => each.replace(/,? ≤.*?hours/, ''))).toEqual([
    'about 2 known, 1 to run; 2 of the known were made with other inputs (`resume: {run: …, keep: same}` runs them again)',
    'about 0 known, 3 to run',
    'about 2 known, 1 to run',
  ]);
  expect(await countResumed(await bucket(), { run: {}, resume: runId } as never)).toBeUndefined();
});
