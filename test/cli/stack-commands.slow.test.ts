import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aStack } from './a-stack.ts';

const MANIFEST = {
  apiVersion: 'sierra-batch/v1',
  name: 'small',
  cluster: { nodes: 2, vcpus: 2 },
  run: { commands: { list: ['cat word', 'echo so it is >&2; exit 3'] }, jobsPerNode: 2 },
  inputs: [{ from: './project', to: '.' }],
  outputs: ['results/'],
  timeouts: { join: '20s', run: '60s' },
};

test('every command against a stack: all that a researcher and an operator type', {
  timeout: 120_000,
}, async () => {
  const { folder, sierraBatch, bringProject } = await aStack();
  const write = bringProject(MANIFEST);
  write('m.json', ['mkdir -p results && cat word > results/a', 'echo so it is >&2; exit 3', 'true']);

  expect(await sierraBatch('validate', 'm.json')).toMatchObject({
    code: 0,
    out: 'm.json: ok, 3 tasks on 2 nodes\n',
  });
  const planned = JSON.parse((await sierraBatch('plan', 'm.json', '--json')).out);
  expect(planned).toMatchObject({ tasks: 3, submitJob: { jobQueue: expect.stringMatching(/^arn:/) } });

  const submitted = await sierraBatch('submit', 'm.json', '--watch');
  expect(submitted, submitted.err).toMatchObject({ code: 1 });
  const [, run = ''] = /^run (\S+)$/m.exec(submitted.out) ?? [];
  expect(submitted.out).toContain(`s3://`);

  const said = async (...args: string[]) => {
    const { code, out, err } = await sierraBatch(...args);
    expect(code, `${args.join(' ')}\n${out}${err}`).toBe(0);
    return out === '' ? err : out;
  };
  expect(await said('runs', '--state', 'failed')).toContain(run);
  expect(await said('status', run)).toContain('1 of 3 tasks failed');
  expect(await said('tasks', run, '--failed')).toContain('exit 3');
  expect(await said('logs', run, '--task', '2')).toBe('so it is\n');
  expect(await said('logs', run, '--node', '1')).toContain('Node:Ends');
  expect(await said('report', run)).toBe(`${run}.html\n`);
  expect(readFileSync(join(folder, `${run}.html`), 'utf8')).toContain('<html');
  await said('fetch', run, 'here');
  expect(readFileSync(join(folder, 'here/results/a'), 'utf8')).toBe('hello');
  const resumed = await sierraBatch('resume', run, '--watch', '--json');
  expect(JSON.parse(resumed.out), resumed.err).toMatchObject({ outcome: 'failed', tasks: { total: 3 } });

  write('long.json', ['sleep 60', 'sleep 60']);
  const long = (await said('submit', 'long.json')).trim();
  // While it runs the log is CloudWatch's.
  await expect
    .poll(async () => (await sierraBatch('status', long)).out, { timeout: 20_000 })
    .toContain('running');
  expect(await said('logs', long, '--node', '1')).toBe('{"event":"Node:Started"}\n');
  expect(await said('cancel', long, '--reason', 'wrong seed')).toBe('Cancelled by ada@lab.org.\n');
  expect(await sierraBatch('watch', long)).toMatchObject({ code: 143 });

  expect(await said('collect', run)).toMatch(
    /^\S+: \d+ rows? of the joblog and \d+ files? of outputs are in the bucket\n$/,
  );
  expect(await said('clean', long, '--yes')).toContain(long);
  expect(existsSync(join(folder, '.sierra-batch/shared/runs', long))).toBe(false);
});

test('doctor tells what a user of a stack lacks, and what to do', { timeout: 60_000 }, async () => {
  const { account, sierraBatch } = await aStack();
  const well = await sierraBatch('doctor');
  expect(well, well.out).toMatchObject({ code: 0 });
  expect(well.out).toMatchInlineSnapshot(`
    "ok      you are arn:aws:sts::111122223333:assumed-role/Researcher/ada@lab.org
    ok      the stack lab is UPDATE_COMPLETE
    ok      you may read the bucket
    ok      you may look at executions
    ok      you may look at jobs
    ok      you may read nodes’ logs
    ok      the queue default: ENABLED, VALID
    ok      the machines of default: ENABLED, VALID
    ok      the job definition is ACTIVE
    ok      the image 111122223333.dkr.ecr.eu-central-1.amazonaws.com/lab:1
    ok      mails go to 1 subscriber
    ok      EC2’s quota of 640 vCPUs
    "
  `);

  account.stackStatus = 'UPDATE_ROLLBACK_FAILED';
  account.machines = 'INVALID';
  account.images = [];
  account.subscriptions = ['PendingConfirmation'];
  account.vcpuQuota = 5;
  account.refusing = new Set(['logs']);
  const ill = await sierraBatch('doctor');
  expect(ill.code).toBe(2);
  expect(ill.out.replaceAll(/^ok .*\n/gm, '')).toMatchInlineSnapshot(`
    "missing the stack lab is UPDATE_ROLLBACK_FAILED: whoever deployed it runs \`npm run deploy\` again
    missing you may not read nodes’ logs: ask for the policy of the stack’s output ResearcherPolicyArn
    missing the machines of default: ENABLED, INVALID: no run gets machines like this; CLIENT_ERROR - Not authorized
    missing the image 111122223333.dkr.ecr.eu-central-1.amazonaws.com/lab:1: it is not in the repository, so that no node can start: deploy again
    missing mails to ada@lab.org: not confirmed yet: open the link in the mail of AWS Notifications
    note    EC2’s quota of 5 vCPUs: less than MaxvCpus (256): a run that needs more waits in vain; ask AWS for more
    "
  `);

  account.refusing = new Set(['sns', 'ecr', 'servicequotas']);
  account.machines = 'VALID';
  account.stackStatus = 'UPDATE_IN_PROGRESS';
  const blind = await sierraBatch('doctor');
  expect(blind.code, blind.out).toBe(0);
  expect(blind.out.match(/^note .*$/gm)).toHaveLength(4);

  account.stackStatus = 'DELETE_IN_PROGRESS';
  expect(await sierraBatch('doctor')).toMatchObject({
    code: 2,
    out: expect.stringContaining('missing the stack lab is DELETE_IN_PROGRESS'),
  });

  account.refusing = new Set(['cloudformation']);
  expect(await sierraBatch('doctor')).toMatchObject({
    code: 2,
    out: expect.stringMatching(/^missing the stack: AWS refused it .*not authorized.* ResearcherPolicyArn/),
  });
  expect(await sierraBatch('runs')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^sierra-batch: AWS refused it .*\n$/),
  });
});
