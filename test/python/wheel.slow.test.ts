import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundleCommandLine, bundleLocalSystem } from '../../scripts/build/bundle.ts';
import { folderOfItsOwn, repository } from '../cli/context.ts';

/** As a user's script: nothing but the wheel is there. */
const SCRIPT = `
import json, sierra_batch
from sierra_batch import Client, Failed

client = Client(cwd="work")
run = client.run("echo {seed} {speed} > {seed}-{speed}.txt; test {seed} != 3", {"seed": range(1, 4), "speed": [0.5]}, output="*.txt")
folder = run.fetch()
said = {
    "outcome": run.summary.outcome,
    "counts": [run.summary.tasks["succeeded"], run.summary.tasks["failed"]],
    "commands": sorted(row["command"] for row in run.tasks()),
    "found": run.results(),
    "files": sorted(path.name for path in folder.iterdir()),
    "report": run.report().suffix,
    "same": client.get("last").id == run.id and [one.id for one in client.runs()] == [run.id],
    "again": Client(cwd="work").get(run.id).state,
}
try:
    client.submit("none.yaml")
except Failed as failed:
    said["failed"] = str(failed)
with client.local_system():
    sent = client.submit("sweep.yaml")
    said["submitted"] = sent.watch().succeeded
print(json.dumps(said))
`;

const MANIFEST =
  'apiVersion: sierra-batch/v1\nname: sweep\ncluster: {nodes: 1}\nrun: {commands: {list: ["true"]}}\n';

test('the wheel runs an experiment in an environment that has nothing else', async () => {
  const folder = folderOfItsOwn();
  const run = (command: string, ...args: string[]) => {
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: folder,
      CI: 'true',
    };
    const ended = spawnSync(command, args, { cwd: folder, env, encoding: 'utf8', timeout: 240_000 });
    expect(ended.status, `${command} ${args.join(' ')}\n${ended.stdout}${ended.stderr}`).toBe(0);
    return ended.stdout;
  };
  const dist = join(repository, 'dist');
  await bundleCommandLine(join(dist, 'cli'));
  await bundleLocalSystem(join(dist, 'local'));
  const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], {
    encoding: 'utf8',
  }).stdout.trim();
  run(python, '-m', 'pip', 'wheel', '--quiet', '--no-deps', '-w', folder, join(repository, 'python'));
  const [wheel = ''] = readdirSync(folder).filter((name) => name.endsWith('.whl'));
  run(python, '-m', 'venv', 'venv');
  run('venv/bin/pip', 'install', '--quiet', wheel);
  mkdirSync(join(folder, 'work'));
  writeFileSync(join(folder, 'work/sweep.yaml'), MANIFEST);
  writeFileSync(join(folder, 'script.py'), SCRIPT);
  expect(JSON.parse(run('venv/bin/python', 'script.py'))).toEqual({
    outcome: 'failed',
    counts: [2, 1],
    commands: [1, 2, 3].map((seed) => `echo ${seed} 0.5 > ${seed}-0.5.txt; test ${seed} != 3`),
    found: [1, 2, 3].map((seed) => ({ task: String(seed), seed: String(seed), speed: '0.5' })),
    files: ['1-0.5.txt', '2-0.5.txt', '3-0.5.txt'],
    report: '.html',
    same: true,
    again: 'failed',
    failed:
      'sierra-batch: no local system is up here: `--watch` keeps one up for this run, `sierra-batch local` in another terminal for many; or name a stack (--stack, SIERRA_BATCH_STACK)',
    submitted: true,
  });
  expect(run('venv/bin/sierra-batch', '--version')).toMatch(/^\d/);
});
