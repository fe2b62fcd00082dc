import { existsSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { init } from '../../cli/commands/manifest/init.ts';
import { plan } from '../../cli/commands/manifest/plan.ts';
import { validate } from '../../cli/commands/manifest/validate.ts';
import { CommandFailed } from '../../cli/errors/failure.ts';
import { parseManifest } from '../../experiment/manifest/parse.ts';
import { contextIn, folderOfItsOwn } from './context.ts';

const SWEEP = `apiVersion: sierra-batch/v1
name: sweep
cluster: {nodes: 4, vcpus: 2, memory: 1GiB}
run:
  commands: {template: "./sim {seed} {speed}", matrix: {seed: {from: 1, to: 100}, speed: [0.1, 0.5]}}
  jobsPerNode: 2
timeouts: {join: 10m, run: 2h}
retry: {attempts: 2}
`;

for (const options of [{}, { sierra: true } as const]) {
  test(`init ${JSON.stringify(options)} writes a manifest without a fault, with its schema`, async () => {
    const folder = folderOfItsOwn();
    const { context, said } = contextIn(folder);
    expect(await init(context, 'mine.yaml', options)).toBe(0);
    const text = readFileSync(join(folder, 'mine.yaml'));
    expect(parseManifest(text, 'yaml', { origin: 'bucket' })).toMatchObject({ ok: true, warnings: [] });
    const [, schema = ''] = /^# yaml-language-server: \$schema=(.*)$/m.exec(String(text)) ?? [];
    expect(existsSync(resolve(folder, schema))).toBe(true);
    expect(said.out).toContain('sierra-batch run mine.yaml');
    await expect(init(context, 'mine.yaml', options)).rejects.toThrow(/mine\.yaml is there already/);
    expect(await init(context, 'mine.yaml', { ...options, force: true })).toBe(0);
  });
}

test('the schema of a clone whose path has a blank is named so that editors read all of it', async () => {
  const folder = folderOfItsOwn();
  const { context } = contextIn(folder, { packageFolder: `${folder}/my clone/` });
  expect(await init(context, 'm.yaml', {})).toBe(0);
  const [first] = readFileSync(join(folder, 'm.yaml'), 'utf8').split('\n');
  expect(first).toBe(
    `# yaml-language-server: $schema=file://${folder}/my%20clone/docs/schema/manifest.schema.json`,
  );
});

test('the first manifest for SIERRA keeps what SIERRA writes', async () => {
  const folder = folderOfItsOwn();
  await init(contextIn(folder).context, 'm.yaml', { sierra: true });
  const text = readFileSync(join(folder, 'm.yaml'));
  const read = parseManifest(text, 'yaml', { origin: 'file' });
  if (!read.ok) throw new Error('not a manifest');
  const { args = [] } = read.manifest.run.sierra ?? {};
  const [project = ''] = args.filter((arg) => arg.startsWith('--project='));
  expect(read.manifest.outputs).toEqual([`${project.slice('--project='.length)}/`]);
});

test.each([{}, { sierra: true } as const])(
  'what is commented out in the first manifest is right as well (%o)',
  async (options) => {
    const folder = folderOfItsOwn();
    await init(contextIn(folder).context, 'm.yaml', options);
    const text = readFileSync(join(folder, 'm.yaml'), 'utf8');
    const all = text.replaceAll(/^# (?=(inputs|workspace|environment|budget|notify|tags):)/gm, '');
    expect(parseManifest(Buffer.from(all), 'yaml', { origin: 'file' })).toMatchObject({
      ok: true,
      manifest: { workspace: 'my-workspace', budget: { maxNodeHours: 40 }, inputs: [{ from: './project' }] },
    });
  },
);

test('a list of commands that nothing can bring is a fault before anything is sent', async () => {
  const folder = folderOfItsOwn();
  const list = SWEEP.replace(/commands: .*/, 'commands: {file: list.txt}');
  writeFileSync(join(folder, 'list.yaml'), list);
  mkdirSync(join(folder, 'project'));
  writeFileSync(join(folder, 'brought.yaml'), `${list}inputs: [{from: ./project, to: .}]\n`);
  const { context, said } = contextIn(folder);
  expect(await validate(context, ['list.yaml', 'brought.yaml'])).toBe(2);
  expect(said.out).toBe('list.yaml: 1 fault\nbrought.yaml: ok, tasks of a file on 4 nodes\n');
  expect(said.err).toMatch(/^list\.yaml:5:20: run\.commands\.file: there is no file list\.txt beside/);
  writeFileSync(join(folder, 'list.txt'), 'true\n');
  expect(await validate(contextIn(folder).context, ['list.yaml'])).toBe(0);
});

test('validate tells every fault of every file, each where it is, and a folder that is missing', async () => {
  const folder = folderOfItsOwn();
  writeFileSync(join(folder, 'good.yaml'), SWEEP);
  writeFileSync(join(folder, 'bad.yaml'), SWEEP.replace('nodes: 4', 'nodez: 4').replace('10m', 'soon'));
  writeFileSync(join(folder, 'input.yaml'), `${SWEEP}inputs: [{from: ./project, to: .}]\n`);
  const { context, said } = contextIn(folder);
  expect(await validate(context, ['good.yaml', 'bad.yaml', 'input.yaml', 'none.yaml'])).toBe(2);
  expect(said.out).toBe(
    'good.yaml: ok, 200 tasks on 4 nodes\nbad.yaml: 3 faults\ninput.yaml: 1 fault\nnone.yaml: 1 fault\n',
  );
  expect(said.err).toMatch(/^bad\.yaml:3:11: cluster\.nodez.*did you mean `nodes`\?\n {2}3 \| .*\n.*\^{5}/m);
  expect(said.err).toMatch(/^bad\.yaml:7:18: timeouts\.join/m);
  expect(said.err).toMatch(/^input\.yaml:9:17: inputs\[0\]\.from: there is no file or folder \.\/project/m);
  expect(said.err).toMatch(/^none\.yaml: there is no file none\.yaml$/m);

  mkdirSync(join(folder, 'project'));
  const again = contextIn(folder, { asJson: true });
  expect(await validate(again.context, ['input.yaml', 'bad.yaml'])).toBe(2);
  expect(JSON.parse(again.said.out)).toMatchObject([
    { file: 'input.yaml', ok: true, faults: [] },
    {
      file: 'bad.yaml',
      ok: false,
      faults: [{ code: 'missing' }, { line: 3, suggestion: 'nodes' }, { line: 7 }],
    },
  ]);
  expect(again.said.err).toBe('');
});

test('plan tells nodes, slots, tasks, the ends of the list, the most it can cost and the request', async () => {
  const folder = folderOfItsOwn();
  writeFileSync(join(folder, 'm.yaml'), SWEEP);
  const { context, said } = contextIn(folder, { asJson: true });
  expect(await plan(context, 'm.yaml')).toBe(0);
  expect(JSON.parse(said.out)).toMatchObject({
    nodes: 4,
    slots: 8,
    tasks: 200,
    firstCommands: ['./sim 1 0.1', './sim 1 0.5', './sim 2 0.1'],
    lastCommands: ['./sim 99 0.5', './sim 100 0.1', './sim 100 0.5'],
    // 4 nodes, 2 attempts, each at most 10 min + 2 h + 15 min.
    mostNodeHours: 4 * 2 * ((10 + 120 + 15) / 60),
    submitJob: { nodeOverrides: { numNodes: 4 }, retryStrategy: { attempts: 2 } },
  });
  writeFileSync(join(folder, 'm.yaml'), `${SWEEP}budget: {maxNodeHours: 3}\n`);
  const people = contextIn(folder);
  await plan(people.context, 'm.yaml');
  expect(people.said.out).toMatch(/^slots +8: 2 tasks at once on each node/m);
  expect(people.said.out).toMatch(
    /^cost +at most 4\.2 node-hours \(the budget, and what the end of a run may take\); in dollars unknown/m,
  );
});

test('plan reads a list that lies beside the manifest, and takes no faults', async () => {
  const folder = folderOfItsOwn();
  writeFileSync(join(folder, 'list.txt'), 'one\ntwo\nthree\n');
  writeFileSync(join(folder, 'm.yaml'), SWEEP.replace(/commands: .*/, 'commands: {file: list.txt}'));
  const { context, said } = contextIn(folder, { asJson: true });
  expect(await plan(context, 'm.yaml')).toBe(0);
  expect(JSON.parse(said.out)).toMatchObject({ tasks: 3, firstCommands: ['one', 'two', 'three'] });
  writeFileSync(join(folder, 'm.yaml'), SWEEP.replace('nodes: 4', 'nodes: 0'));
  const faulty = contextIn(folder, { asJson: true });
  expect(await plan(faulty.context, 'm.yaml')).toBe(2);
  expect(JSON.parse(faulty.said.out)).toMatchObject({ faults: [{ path: 'cluster.nodes' }] });
});

test('plan says what is sent, and what cannot be', async () => {
  const folder = folderOfItsOwn();
  mkdirSync(join(folder, 'data'));
  for (const name of ['a', 'b']) writeFileSync(join(folder, 'data', name), name);
  writeFileSync(join(folder, 'm.yaml'), `${SWEEP}inputs: [{from: ./data, to: .}]\n`);
  const { context, said } = contextIn(folder, { asJson: true });
  expect(await plan(context, 'm.yaml')).toBe(0);
  expect(JSON.parse(said.out)).toMatchObject({ sends: [{ from: './data', files: 2, bytes: 2 }] });
  truncateSync(join(folder, 'data/b'), 60 * 1024 ** 2);
  await plan(context, 'm.yaml');
  expect(said.err).toContain('Sends the folder ./data: 60 MiB, 2 files; the largest is data/b, 60 MiB.');
  for (const name of ['a', 'b']) rmSync(join(folder, 'data', name));
  await expect(plan(context, 'm.yaml')).rejects.toThrow(CommandFailed);
});

test('init writes no JSON manifest, which could hold no comment', async () => {
  const { context } = contextIn(folderOfItsOwn());
  await expect(init(context, 'm.json', {})).rejects.toThrow(CommandFailed);
});

test('plan reads a table that lies beside the manifest, and says what its rows are crossed with', async () => {
  const folder = folderOfItsOwn();
  const design =
    'commands: {template: "s {a} {b} {replicateSeed}", table: p.csv, matrix: {b: [1, 2]}, exclude: [{a: 2, b: 2}], replicates: 2}';
  writeFileSync(join(folder, 'm.yaml'), SWEEP.replace(/commands: .*/, design));
  writeFileSync(join(folder, 'p.csv'), 'a\n1\n2\n');
  const { context, said } = contextIn(folder);
  expect(await plan(context, 'm.yaml')).toBe(0);
  expect(said.out).toContain('6 commands');
  expect(said.out).toContain('the rows of the table × b × 2 replicates, without what `exclude` leaves out');
  writeFileSync(join(folder, 'p.csv'), 'a\n1\n1,2\n');
  const faulty = contextIn(folder);
  expect(await plan(faulty.context, 'm.yaml')).toBe(2);
  expect(faulty.said.err).toContain('p.csv: line 3, column 3: 2 values, and the header has 1 name');
});

test('plan shows what SIERRA is given: per-batch where ARGoS would take per-exp, its engines, jobs per node, the root', async () => {
  const folder = folderOfItsOwn();
  const args =
    '[--project=p.q, --controller=c.d, --scenario=s, --expdef-template=x/t.argos, --batch-criteria, x.C3]';
  const manifest = `apiVersion: sierra-batch/v1
name: swarm
cluster: {nodes: 4, vcpus: 10, memory: 1GiB}
run: {sierra: {args: ${args}}, threadsPerTask: 5}
`;
  writeFileSync(join(folder, 'm.yaml'), manifest);
  writeFileSync(join(folder, 'w.yaml'), `${manifest}workspace: swarms\n`);
  const { context, said } = contextIn(folder);
  expect(await plan(context, 'm.yaml')).toBe(0);
  expect(said.out).toContain('--physics-n-engines=4\n');
  const supplied = (root: string) =>
    `supplied: --execenv=hpc.awsbatch --sierra-root=${root} --nodefile=/mnt/efs/runs/swarm-00000000000/nodefile --exec-jobs-per-node=2 --exec-parallelism-paradigm=per-batch\n`;
  expect(said.out).toContain(supplied('/mnt/efs/runs/swarm-00000000000/work'));
  expect(await plan(context, 'w.yaml')).toBe(0);
  expect(said.out).toContain(supplied('/mnt/efs/workspaces/swarms'));
});

test.each([
  ['beside the manifest', 'list.txt', '{file: list.txt}', ''],
  [
    'in a folder that is sent',
    'project/runs/list.txt',
    '{file: in/runs/list.txt}',
    'inputs: [{from: ./project, to: in/}]',
  ],
  ['sent by itself', 'here/list.txt', '{file: in/list.txt}', 'inputs: [{from: ./here/list.txt, to: in/}]'],
])('what a list %s may have by mistake is shown at its line and column', async (_, path, commands, more) => {
  const folder = folderOfItsOwn();
  const { context, said } = contextIn(folder);
  mkdirSync(join(folder, dirname(path)), { recursive: true });
  writeFileSync(join(folder, path), '# mine\n./sim 1\n./sim 2 | tee log\n');
  const text = SWEEP.replace(/commands: .*/, `commands: ${commands}`) + more;
  writeFileSync(join(folder, 'm.yaml'), text);
  expect(await validate(context, ['m.yaml'])).toBe(0);
  expect(said.out + said.err).toContain(`warning: ${path}:3:9: its exit code is that of \`tee\``);
});
