import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseJoblog } from '../../../../experiment/results/joblog.ts';
import { sierraVenv } from '../../../../scripts/install/sierra-venv.ts';
import { auditBucket } from '../../../experiment/figures/audit-runs.ts';
import { copyProject, VERSIONS } from '../project-for.ts';
import { INSTALLING } from '../real-sierra.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
let base = '';

/** All where they are asked for; among all slow tests the oldest: the newest is run as docs/sierra.md installs it. */
const TRIED = process.env.SIERRA_BATCH_EVERY_SIERRA === undefined ? VERSIONS.slice(-1) : VERSIONS;

beforeAll(async () => {
  for (const version of TRIED) await sierraVenv(version);
  base = mkdtempSync(join(tmpdir(), 'sbw-'));
}, 2 * INSTALLING);
afterAll(() => rmSync(base, { recursive: true, force: true }));

describe.concurrent.each(TRIED)('npm start -- examples/sierra.yaml with SIERRA %s', (version) => {
  it('named in environment.PATH runs from the dropped manifest to graphs and report', async () => {
    const bin = await sierraVenv(version);
    const folder = join(base, version);
    mkdirSync(folder);
    copyProject(join(folder, 'sierra-project'), version);
    const manifest = readFileSync(join(root, 'examples/sierra.yaml'), 'utf8').replace(
      /^environment: \{/m,
      `environment: {PATH: "${bin}:/usr/local/bin:/usr/bin:/bin", `,
    );
    writeFileSync(join(folder, 'sierra.yaml'), manifest);
    const child = spawn(process.execPath, [join(root, 'local/start/start.ts'), 'sierra.yaml'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString();
      });
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code, said).toBe(0);
    const runs = join(folder, '.sierra-batch/bucket/runs');
    const [run = ''] = readdirSync(runs);
    const read = (name: string) => readFileSync(join(runs, run, name), 'utf8');
    expect(parseJoblog(read('joblog.tsv')).filter(({ exitval }) => exitval === 0)).toHaveLength(20);
    expect(JSON.parse(read('summary.json'))).toMatchObject({
      outcome: 'succeeded',
      exitCode: 0,
      tasks: { total: 20 },
    });
    const outputs = JSON.parse(read('outputs/index.json')) as { files: { path: string }[] };
    expect(outputs.files.filter(({ path }) => path.endsWith('.png'))).toHaveLength(6);
    expect(read('report.html')).toContain('foraging-swarms');
    expect(JSON.parse(read('nodes.json')).map((node: { state: string }) => node.state)).toEqual(
      Array(4).fill('released'),
    );
    auditBucket(join(folder, '.sierra-batch/bucket'));
  }, 280_000);
});
