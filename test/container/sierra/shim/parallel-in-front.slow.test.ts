import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallAnswer, ParallelCall, Shim } from '../../../../container/sierra/shim/listen.ts';
import { openShim } from '../../../../container/sierra/shim/listen.ts';

let folder = '';
let shim: Shim | undefined;
const calls: ParallelCall[] = [];
let answers: CallAnswer = { kind: 'gnu-parallel' };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sbd-'));
  shim = await openShim(
    folder,
    async (call) => {
      calls.push(call);
      return answers;
    },
    () => undefined,
  );
});
afterAll(async () => {
  await shim?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Shell lines; each is run with GNU parallel itself and with the one in front. */
const INVOCATIONS = [
  'parallel --version',
  'parallel --minversion 20180000',
  'parallel -k echo ::: a b c',
  'parallel -k echo {} {.} {/} {//} {/.} ::: a/b.c d/e.f',
  'parallel -k echo {1} {2} ::: a b ::: 1 2',
  'parallel -k echo {1} {2} ::: a b :::+ 1 2',
  'parallel -k --link echo {1} {2} ::: a b ::: 1 2',
  'parallel -k -N2 echo ::: a b c',
  'parallel -k -n1 echo ::: a b',
  'parallel -k -X echo ::: a b c | wc -w',
  'parallel -k -m echo ::: a b c | wc -w',
  'parallel -k -j1 echo {#} {%} ::: a b',
  'parallel -k --tag echo ::: a b',
  'parallel -k --tagstring {#} echo ::: a b',
  'parallel -k --dry-run echo {} ::: "a b" c',
  'parallel -k -q printf "%s;" ::: "a b" c',
  'parallel -k --colsep , echo {2} {1} ::: a,b c,d',
  'parallel -k --rpl "{x} s/a/X/" echo {x} ::: aa ba',
  'parallel -k -I % echo % ::: a b',
  'parallel -k --trim lr echo {} ::: " a " "b "',
  'parallel -k -0 echo < <(printf "a\\0b\\0")',
  'parallel -k -d , echo < <(printf a,b)',
  'parallel -k -a <(printf "a\\nb\\n") echo',
  'parallel -k --header : echo {x} ::: x a b',
  'parallel -k "exit {}" ::: 0 1 2',
  'parallel -k "exit {}" ::: 3',
  'parallel -k --halt now,fail=1 "exit {}" ::: 4',
  'parallel -j2 "exit 1" ::: $(seq 105)',
  'parallel --retries 2 "echo x; exit 1" ::: a',
  'parallel --timeout 1 sleep ::: 3',
  'parallel -k "echo o; echo e >&2" ::: a',
  "parallel -k kill -TERM '$$' ::: a",
  'parallel -k --pipe -N1 cat < <(printf "a\\nb\\n")',
  'parallel -k --pipe --block 1k wc -c < <(head -c 3000 /dev/zero)',
  'parallel -k --pipepart -a /etc/passwd --block -1 wc -l',
  'parallel -k --line-buffer echo ::: a b',
  'parallel -k --ungroup echo ::: a',
  'parallel -k --joblog log echo ::: a b; cut -f1,7- log',
  'parallel -k --results tree echo ::: a b; find tree | sort',
  'parallel -k --resume-failed --joblog log2 echo ::: a; parallel -k --resume-failed --joblog log2 echo ::: a b',
  "parallel -k --env FOO 'echo $FOO' ::: a",
  "parallel -k 'echo $PATH' ::: a",
  "parallel -k 'echo $PARALLEL_SEQ' ::: a b",
  "parallel -k 'cat; echo {}' ::: a < /dev/null",
  'parallel -k ::: "echo a" "echo b"',
  'parallel -k < lines',
  'cat lines | parallel -k',
  'parallel -k --jobs 2 --sshloginfile nodes echo ::: a b',
  'parallel -k --jobs 2 --sshloginfile nodes < lines',
  'parallel --jobs None --sshloginfile nodes < lines',
  'parallel --resume-failed --jobs 2 --results $PWD/r2 --joblog $PWD/l2 --sshloginfile $PWD/nodes --workdir $PWD/w2 < lines | sort; cut -f7- l2 | sort',
  'parallel --no-such-option echo ::: a',
  'parallel --jobs 1 --joblog /no/such/folder/log echo ::: a',
  'PARALLEL="--tag --keep-order" parallel echo ::: a b',
  'PARALLEL=--no-such-option parallel echo ::: a',
  'parallel -k --shebang-wrap echo ::: a',
  'parallel -k --xargs echo ::: a b',
  'parallel -k --max-replace-args=2 echo {1}-{2} ::: a b c d',
  'parallel -k --shuf echo ::: a',
  'parallel --show-limits < /dev/null',
];

async function run(line: string, inFront: boolean) {
  const cwd = mkdtempSync(join(tmpdir(), 'sbi-'));
  try {
    writeFileSync(join(cwd, 'lines'), 'echo one\necho two\nexit 3\n');
    writeFileSync(join(cwd, 'nodes'), ':\n');
    const { code, stdout, stderr } = await bash(line, cwd, {
      HOME: cwd,
      FOO: 'bar  baz',
      PATH: inFront ? `${shim?.folder}:${process.env.PATH}` : process.env.PATH,
    });
    const plain = (text: string) =>
      text.replaceAll(cwd, 'CWD').replace(/par\w*\.\w+|par-job-\S+/g, 'TEMPORARY');
    const files = readdirSync(cwd, { recursive: true, encoding: 'utf8' })
      .filter((name) => !name.startsWith('.parallel'))
      .sort();
    return { code, stdout: plain(stdout), stderr: plain(stderr), files };
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}

describe('the parallel in front', () => {
  it(`does what GNU parallel does in ${INVOCATIONS.length} invocations that are not SIERRA's`, async () => {
    expect(INVOCATIONS.length).toBeGreaterThanOrEqual(50);
    for (const line of INVOCATIONS) {
      const [ours, theirs] = await Promise.all([run(line, true), run(line, false)]);
      expect({ line, ...ours }).toEqual({ line, ...theirs });
    }
  }, 180_000);

  it('shows the runner what may be SIERRA’s line, and ends as it says', async () => {
    calls.length = 0;
    answers = { kind: 'ended', code: 7, said: ['seven failed'] };
    writeFileSync(join(folder, 'lines'), 'echo one\n');
    const ended = await bash('parallel --jobs 2 --sshloginfile nodes < lines', folder, {
      PATH: `${shim?.folder}:${process.env.PATH}`,
    });
    expect(ended).toEqual({ code: 7, stdout: '', stderr: 'seven failed\n' });
    expect(calls[0]?.args).toEqual(['--jobs', '2', '--sshloginfile', 'nodes']);
    expect(readFileSync(calls[0]?.commandsFile ?? '', 'utf8')).toBe('echo one\n');
    expect(calls[0]?.environment.PATH).toBe(process.env.PATH);
  });
});

/** Asynchronous: the shim answers from this very process. */
async function bash(line: string, cwd: string, env: NodeJS.ProcessEnv) {
  const child = spawn('/bin/bash', ['-c', line], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, stdout, stderr })),
  );
}
