import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Bucket } from '../../aws/bucket.ts';
import { composeManifest, nameOf } from '../../cli/commands/manifest/compose.ts';
import type { Few } from '../../cli/commands/manifest/few.ts';
import { chooseFew, linesOf, ranges } from '../../cli/commands/manifest/few.ts';
import { TEMPLATE } from '../../cli/commands/manifest/plan.ts';
import { run } from '../../cli/commands/run.ts';
import { tellDropped } from '../../cli/commands/runs/submit.ts';
import type { Context } from '../../cli/context/context.ts';
import { s3Store } from '../../cli/context/s3-store.ts';
import type { LiveSystem, Target } from '../../cli/context/target.ts';
import { CommandFailed } from '../../cli/errors/failure.ts';
import { runKeys } from '../../experiment/layout/bucket-keys.ts';
import type { Manifest } from '../../experiment/manifest/parse.ts';
import { commandsOf, parseManifest } from '../../experiment/manifest/parse.ts';
import { realClock } from '../../local/clock/real.ts';
import { aStatus } from '../fixtures/records.ts';
import { memoryS3 } from '../support/memory-s3.ts';
import { contextIn, folderOfItsOwn } from './context.ts';

const ONE = { nodes: 1, outputs: [], withFolder: false };
const SIM = { command: './sim --seed {seed}', parameters: ['seed=1..100'] };

function commands(command: string, ...parameters: string[]) {
  const read = parseManifest(Buffer.from(composeManifest({ ...ONE, command, parameters })), 'yaml');
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  return [...(commandsOf(read.manifest)?.lines ?? [])];
}

describe('a command with parameters is a manifest', () => {
  test('as a person would write it', () => {
    const parameters = ['seed=1..100', 'speed=0.1,0.5', 'angle=0..90..15', 'who=O\'Brien,"x"'];
    const command = './sim --seed {seed} {speed} {angle} {who}';
    expect(
      composeManifest({ command, parameters, nodes: 4, outputs: ['out/', '*.csv'], withFolder: true }),
    ).toBe(`apiVersion: sierra-batch/v1
name: sim
cluster: {nodes: 4}
run:
  commands:
    template: "./sim --seed {seed} {speed} {angle} {who}"
    matrix:
      seed: {from: 1, to: 100}
      speed: [0.1, 0.5]
      angle: {from: 0, to: 90, step: 15}
      who: ["O'Brien", "\\"x\\""]
  keepOutput: all
inputs: [{from: ., to: .}]
outputs: ["out/", "*.csv"]
`);
  });

  test.each([
    [
      ['a {x}', 'x=007,yes,../b..c,1.10'],
      ['a 007', 'a yes', 'a ../b..c', 'a 1.10'],
    ],
    [
      ['a {x}', 'x=01..03'],
      ['a 01', 'a 02', 'a 03'],
    ],
    [['a {x}', 'x=k=v'], ['a k=v']],
    [['a b'], ['a b']],
  ])('%j', ([command = '', ...parameters], expected) => {
    expect(commands(command, ...parameters)).toEqual(expected);
  });

  test.each([
    ['./Sim-2.x86 {a}', 'sim-2'],
    ['python3 -u code/train_model.py', 'train-model'],
    ['42', 'run'],
    [`./${'x'.repeat(80)}`, 'x'.repeat(60)],
  ])('%s is called %s', (command, name) => {
    expect(nameOf(command)).toBe(name);
    expect(commands(command.replace('{a}', ''))).toHaveLength(1);
  });

  test.each(['seed', '=1', '2x=1'])('%s is no parameter', (written) => {
    expect(() => commands('a {seed}', written)).toThrow(/is not a parameter/);
  });

  test('words that YAML has its own meaning for stay words', () => {
    expect(commands('true {null} {False}', 'null=1', 'False=true,x')).toEqual(['true 1 true', 'true 1 x']);
  });

  test('a parameter that is given twice is refused', () => {
    expect(() => commands('a {x}', 'x=1', 'x=2')).toThrow(/x is given twice: .* x=1,2/);
  });

  test.each([
    ['x=1-10', 'x=1..10'],
    ['x=1:10', 'x=1..10'],
    ['x=1...10', 'x=1..10'],
    ['x={1..3}', 'x=1..3'],
    ['x={0..90..15}', 'x=0..90..15'],
    ['x=-2--1', 'x=-2..-1'],
  ])('%s is a range in another notation: did you mean %s?', (written, meant) => {
    expect(() => commands('a {x}', written)).toThrow(`did you mean ${meant}?`);
  });

  test.each(['2024-11', '8080:80', '1-3,5-7', 'a-b', '1-2-3', '-5'])('x=%s is no range', (value) => {
    expect(commands('a {x}', `x=${value}`)).toEqual(value.split(',').map((one) => `a ${one}`));
  });

  test('GNU parallel’s ways to write parameters are answered with ours', () => {
    expect(() => commands('a {}', ':::', '1', '2')).toThrow(/::: of GNU parallel.*seed=1,2,3/);
    const text = composeManifest({ ...ONE, command: 'a {} {1}', parameters: ['seed=1..3'] });
    expect(parseManifest(Buffer.from(text), 'yaml')).toMatchObject({
      faults: [{ message: expect.stringContaining('{} is GNU parallel’s: write {seed}') }],
    });
  });

  test('a value that the shell has replaced is asked for in braces', () => {
    expect(() => commands('./sim --seed ', 'seed=1..3')).toThrow(
      '{seed} is not in the command ./sim --seed : write {seed} where its value goes (in double quotes the shell replaces $seed',
    );
    expect(commands('./sim {seed:raw}', 'seed=1')).toEqual(['./sim 1']);
  });

  test('what is printed becomes columns of the table', () => {
    const text = composeManifest({ ...ONE, command: 'a', parameters: [], results: 'stdout' });
    expect(parseManifest(Buffer.from(text), 'yaml')).toMatchObject({
      manifest: { results: { stdout: 'json' } },
    });
  });
});

describe('a few tasks first', () => {
  const manifestOf = (text: string) => {
    const read = parseManifest(Buffer.from(text), 'yaml');
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
    return read.manifest;
  };
  const sweep = manifestOf(
    composeManifest({ ...ONE, command: 'r {a} {b}', parameters: ['a=1..100', 'b=x,y'] }),
  );

  /** The commands that the manifest has once they are chosen. */
  async function chosen(manifest: Manifest, few: Few, file = '/m.yaml'): Promise<string[]> {
    const commands = await chooseFew(manifest, file, few);
    const text = { apiVersion: 'sierra-batch/v1', name: 's', cluster: { nodes: 1 }, run: { commands } };
    return [...(commandsOf(manifestOf(JSON.stringify(text)))?.lines ?? [])];
  }

  test('by number, in their order, with their parameters', async () => {
    const few = { only: ranges('200,1-2') };
    expect(await chooseFew(sweep, '/m.yaml', few)).toEqual({
      template: 'r {a} {b}',
      zip: { a: ['1', '1', '100'], b: ['x', 'y', 'y'] },
    });
    expect(await chosen(sweep, few)).toEqual(['r 1 x', 'r 1 y', 'r 100 y']);
    await expect(chooseFew(sweep, '/m.yaml', { only: ranges('201-300') })).rejects.toThrow(/none of the 200/);
  });

  test('of a design with table, zip and replicates they are the very commands of the whole', async () => {
    const folder = folderOfItsOwn();
    writeFileSync(join(folder, 'p.csv'), 'd,e\n01,"x y"\n2.50,it\'s\n');
    const commands = {
      template: 'r {d} {e} {z} {m} {replicate} {replicateSeed}',
      table: 'p.csv',
      zip: { z: ['p q', 'r'] },
      matrix: { m: [1, 2] },
      exclude: [{ d: '01', m: 2 }],
      replicates: 2,
    };
    const whole = manifestOf(
      JSON.stringify({ apiVersion: 'sierra-batch/v1', name: 's', cluster: { nodes: 1 }, run: { commands } }),
    );
    const file = join(folder, 'm.yaml');
    const all: string[] = [];
    for await (const line of linesOf(whole, file) ?? []) all.push(line);
    expect(all).toHaveLength(12);
    expect(await chosen(whole, { only: ranges('1-12') }, file)).toEqual(all);
    expect(await chosen(whole, { only: ranges('3,11-12') }, file)).toEqual([all[2], all[10], all[11]]);
  });

  test('of a list they are its lines', async () => {
    const list = manifestOf(composeManifest({ ...ONE, command: 'true', parameters: [] }));
    expect(await chooseFew(list, '/m.yaml', { sample: 3 })).toEqual({ list: ['true'] });
  });

  test('a sample has values of every parameter, and is the same each time', async () => {
    const sample = await chosen(sweep, { sample: 8 });
    expect(sample).toHaveLength(8);
    expect(new Set(sample.map((line) => line.slice(-1)))).toEqual(new Set(['x', 'y']));
    expect(await chosen(sweep, { sample: 8 })).toEqual(sample);
    const more = await chosen(sweep, { sample: 9 });
    expect(sample.every((line) => more.includes(line))).toBe(true);
  });

  test('of a SIERRA experiment there are none to choose from', async () => {
    const text =
      'apiVersion: sierra-batch/v1\nname: s\ncluster: {nodes: 1}\nrun: {sierra: {args: [--controller=a.b]}}\n';
    await expect(chooseFew(manifestOf(text), '/m.yaml', { sample: 1 })).rejects.toThrow(/does not list them/);
  });

  test.each(['0', '3-1', 'a', '1-2-3', ''])('--only %s is refused', (text) => {
    expect(() => ranges(text)).toThrow(/look like 1-4/);
  });
});

describe('before it starts', () => {
  const manifestText = (more: string) =>
    `${composeManifest({ ...ONE, command: 'a', parameters: [] })}${more}`;

  /** A stack that takes what is dropped and never answers. */
  function aStack(change: Partial<Context> = {}) {
    const cwd = folderOfItsOwn();
    writeFileSync(join(cwd, 'sim'), '');
    const s3 = memoryS3(TEMPLATE.bucket);
    const bucket = async () => new Bucket(s3, TEMPLATE.bucket, realClock);
    const at: Target = {
      kind: 'stack',
      name: 'the stack lab',
      store: s3Store(bucket),
      live: { bucket, deployment: TEMPLATE } as unknown as LiveSystem,
      place: (key) => key,
      lookMs: 1,
      acceptedWithinMs: 0,
    };
    const dropped = async () => {
      const { Contents = [] } = await s3.listObjectsV2({ Bucket: TEMPLATE.bucket });
      return Contents.map(({ Key = '' }) => Key.split('/')[0]);
    };
    return { cwd, s3, dropped, ...contextIn(cwd, { at, hasStack: true, ...change }) };
  }

  test('on a stack nothing is sent without a yes', async () => {
    const { context, said, dropped } = aStack();
    await expect(run(context, SIM, {})).rejects.toThrow(
      /Start it on the stack lab\? It takes at most .* node-hours.*nothing was started; --yes/,
    );
    expect(said.err).toContain('seed: {from: 1, to: 100}');
    expect(said.err).toContain('files that tasks write will not be sent: name them with --output PATH');
    expect(await dropped()).toEqual([]);
    await expect(run(context, SIM, { yes: true })).rejects.toThrow(/neither accepted nor rejected/);
    expect(await dropped()).toEqual(['inputs', 'manifests']);
  });

  test('--resume goes on with the run that a word means', async () => {
    const { cwd, context, s3 } = aStack();
    const runId = 'sim-0123456789a';
    const status = JSON.stringify(aStatus({ runId, state: 'failed' }));
    await s3.putObject({ Bucket: TEMPLATE.bucket, Key: runKeys(runId).status, Body: status });
    writeFileSync(join(cwd, 'm.yaml'), manifestText('resume: {run: sim-aaaaaaaaaaa, keep: same}\n'));
    for (const asked of [SIM, { command: 'm.yaml', parameters: [] }])
      await expect(run(context, asked, { resume: 'last', yes: true })).rejects.toThrow(/neither accepted/);
    const { Contents = [] } = await s3.listObjectsV2({ Bucket: TEMPLATE.bucket, Prefix: 'manifests/' });
    const texts = Contents.map(async ({ Key }) =>
      (await s3.getObject({ Bucket: TEMPLATE.bucket, Key })).Body?.transformToString(),
    );
    expect((await Promise.all(texts)).map((text) => /"?resume"?: .*/.exec(text ?? '')?.[0]).sort()).toEqual([
      `"resume": "${runId}"`,
      `resume: {run: "${runId}", keep: same}`,
    ]);
    await expect(run(context, SIM, { resume: 'nine' })).rejects.toThrow(/begins with nine/);
  });

  test('what the system has seen in a list in S3 is told, and not what was judged here', async () => {
    const { context, said, s3 } = aStack();
    const at = await context.target();
    const runId = 'sim-0123456789a';
    const put = (Key: string, Body: string) => s3.putObject({ Bucket: TEMPLATE.bucket, Key, Body });
    await put(
      runKeys(runId).warnings,
      'manifests/x.yaml:1:1: unused\n  1 | a\n    ^\ns3://b/list:3:9: it ends in a lone `&`\n  3 | ./sim &\n          ^\n',
    );
    expect(await tellDropped(context, at, { kind: 'accepted', runId }, {})).toBe(0);
    expect(said.err).toBe(
      `warning: s3://b/list:3:9: it ends in a lone \`&\`\n  3 | ./sim &\n          ^\nAccepted by the stack lab. Watch it: sierra-batch watch ${runId}\n`,
    );
  });

  test('a home folder, or more than 1 GiB, is not sent without a yes either', async () => {
    const home = aStack();
    await expect(run({ ...home.context, home: home.cwd }, SIM, {})).rejects.toThrow(
      /^Send your home folder \(1 file/,
    );
    const much = aStack();
    truncateSync(join(much.cwd, 'sim'), 1024 ** 3 + 1);
    await expect(run(much.context, SIM, {})).rejects.toThrow(/^Send this folder \(1 file, 1 GiB\)\?/);
  });

  test('history and our own folder are not counted, an empty folder is not sent', async () => {
    const { cwd, context, dropped } = aStack();
    mkdirSync(join(cwd, '.git'));
    writeFileSync(join(cwd, '.git/pack'), '');
    truncateSync(join(cwd, '.git/pack'), 1024 ** 3 + 1);
    await expect(run(context, SIM, {})).rejects.toThrow(/^Start it/);
    const empty = folderOfItsOwn();
    mkdirSync(join(empty, '.git'));
    await expect(run({ ...context, cwd: empty }, SIM, { yes: true })).rejects.toThrow(/neither/);
    expect(await dropped()).toEqual(['manifests']);
  });

  test('--write keeps the manifest, in this folder and over nothing', async () => {
    const { cwd, context, said } = aStack();
    await expect(run(context, SIM, { write: 'sweep.yaml', nodes: 3 })).rejects.toThrow(/nothing was started/);
    const read = parseManifest(readFileSync(join(cwd, 'sweep.yaml')), 'yaml', { origin: 'file' });
    expect(read).toMatchObject({ ok: true, manifest: { name: 'sim', cluster: { nodes: 3 } } });
    await expect(run(context, SIM, { write: 'sweep.yaml' })).rejects.toThrow(/there already/);
    const few = run(context, SIM, { write: 'all.yaml', output: ['out/'], sample: 2 });
    await expect(few).rejects.toThrow(/nothing was started/);
    expect(said.err).toContain('Written: all.yaml, with all tasks: --only and --sample are not part of it');
    expect(said.err.match(/will not be sent/g)).toHaveLength(1);
    await expect(run(context, SIM, { write: '../sweep.yaml' })).rejects.toThrow(/in this folder/);
    expect(existsSync(join(cwd, '../sweep.yaml'))).toBe(false);
  });

  test('a manifest goes by the same rules', async () => {
    const { cwd, context } = aStack();
    writeFileSync(join(cwd, 'm.yaml'), composeManifest({ ...ONE, ...SIM }));
    const asked = { command: 'm.yaml', parameters: [] };
    await expect(run(context, asked, {})).rejects.toThrow(/^Start it on the stack lab/);
    await expect(run(context, { ...asked, parameters: ['a=1'] }, {})).rejects.toThrow(CommandFailed);
    expect(await run(context, { ...asked, command: 'none.yaml' }, {})).toBe(2);
  });

  test('a fault is shown in the manifest that was made', async () => {
    const { context, said } = aStack();
    expect(await run(context, { ...SIM, parameters: ['sed=1..3'] }, {})).toBe(2);
    expect(said.err).toMatch(/\{seed\}|seed/);
    expect(said.err).toContain('^');
  });
});
