import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findTarget } from '../../cli/context/find-target.ts';
import { startQuietSystem } from '../../local/start/quiet-system.ts';

const STRANGER = 65_534;

/** What another user of this machine gets of a command. */
function asStranger(...command: readonly string[]) {
  const user = ['--reuid', String(STRANGER), '--regid', String(STRANGER), '--clear-groups'];
  return spawnSync('setpriv', [...user, ...command], { encoding: 'utf8' });
}

/** As /tmp: everybody may write here. */
function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sbt-'));
  chmodSync(folder, 0o1777);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('another user’s .sierra-batch in a folder above gets nothing', async () => {
  const folder = openFolder();
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const theirs = join(folder, '.sierra-batch');
  expect(asStranger('mkdir', '-p', join(theirs, 'bucket')).status).toBe(0);
  const record = {
    version: 1,
    pid: process.pid,
    endpoint: {
      AWS_ENDPOINT_URL_S3: url,
      AWS_ENDPOINT_URL_SFN: url,
      AWS_ENDPOINT_URL_BATCH: url,
      AWS_REGION: 'local',
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
    },
    deployment: { bucket: 'b' },
  };
  writeFileSync(join(theirs, 'local.json'), JSON.stringify(record));
  chownSync(join(theirs, 'local.json'), STRANGER, STRANGER);
  const project = join(folder, 'project');
  mkdirSync(project);

  await expect(findTarget(project, {})).rejects.toThrow(
    /\.sierra-batch belongs to the user with the id 65534 and not to you/,
  );
  await expect(startQuietSystem(theirs)).rejects.toThrow(/belongs to the user with the id 65534/);
  expect(asked).toEqual([]);

  // One of this user's own with a word of the other's in it.
  chownSync(theirs, process.getuid?.() ?? 0, 0);
  await expect(findTarget(project, {})).rejects.toThrow(/local\.json belongs to the user with the id 65534/);
});

test('another user can neither look into a local system nor hold its lock', async () => {
  const folder = join(openFolder(), '.sierra-batch');
  mkdirSync(folder, { mode: 0o777 });
  chmodSync(folder, 0o777); // As an earlier version left it.
  const system = await startQuietSystem(folder);
  onTestFinished(() => system.close());

  for (const path of ['', 'local.json', 'bucket', 'lock', 'shared'])
    expect(asStranger('ls', '-d', `${join(folder, path)}/.`).stderr).toContain('Permission denied');
  expect(asStranger('flock', '-n', join(folder, 'lock'), 'true').status).not.toBe(0);
});
