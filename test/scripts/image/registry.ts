import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../../support/http/free-port.ts';

export interface Registry {
  /** `127.0.0.1:<port>` */
  host: string;
  close(): Promise<void>;
}

/** A registry of images on loopback: the program that Docker Hub itself grew from. */
export async function startRegistry(): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), 'sbr-'));
  const host = `127.0.0.1:${await freePort()}`;
  const config = { version: '0.1', storage: { filesystem: { rootdirectory: folder } }, http: { addr: host } };
  // YAML that is JSON.
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  const child = spawn('docker-registry', ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  const close = async () => {
    const ended = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    if (answer?.ok === true) return { host, close };
    await delay(100);
  }
  await close();
  throw new Error('docker-registry did not answer within 10 s');
}
