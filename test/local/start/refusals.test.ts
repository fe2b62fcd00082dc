import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readStartOptions } from '../../../local/start/options.ts';
import { folderTrouble, lockFolder } from '../../../local/util/folder-lock.ts';
import { readManifestFile } from '../../../submission/read-manifest-file.ts';

const PLACES = { from: '/here', cwd: '/here', repository: '/repository' };

function folderOfItsOwn(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sbs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('what npm start refuses', () => {
  it.each([
    [['--nodes', '99'], '--nodes takes a number from 1 to 16, not 99'],
    [['--nodes', '0'], '--nodes takes a number from 1 to 16, not 0'],
    [['--nodes', '2x'], '--nodes takes a number from 1 to 16, not 2x'],
    [['--fanout', 'ssh'], '--fanout takes pool or stock, not ssh'],
    [
      ['--fault', 'fire'],
      '--fault takes one of stuck-runnable, worker-never-comes, failing-task, node-lost, event-lost, not fire',
    ],
    [['a.yaml', 'b.yaml'], 'one manifest at a time, not 2'],
    [['--quick'], "Unknown option '--quick'"],
  ])('%j', (args, why) => {
    expect(readStartOptions(args, PLACES)).toEqual({ kind: 'refused', why });
  });

  it('is no manifest, no file, or not there', () => {
    const folder = folderOfItsOwn();
    mkdirSync(join(folder, 'folder.yaml'));
    writeFileSync(join(folder, 'notes.txt'), 'hello');
    const read = (name: string) => readManifestFile(join(folder, name), name);
    expect(read('nowhere.yaml')).toEqual({ ok: false, why: 'there is no file nowhere.yaml' });
    expect(read('notes.txt/m.yaml')).toEqual({ ok: false, why: 'there is no file notes.txt/m.yaml' });
    expect(read('folder.yaml')).toEqual({ ok: false, why: 'folder.yaml is not a file' });
    expect(read('notes.txt')).toEqual({
      ok: false,
      why: 'notes.txt is not a manifest: its name has to end in .yaml, .yml or .json',
    });
  });

  it('is a folder that cannot hold runs', async () => {
    const folder = folderOfItsOwn();
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('nowhere/at/all', join(folder, 'leads-nowhere'));
    for (const [name, code] of [
      ['file', 'EEXIST'],
      ['leads-nowhere', 'ENOENT'],
    ] as const) {
      const path = join(folder, name);
      const error: unknown = await lockFolder(path).catch((thrown: unknown) => thrown);
      expect(folderTrouble(error, path)).toMatch(
        new RegExp(`^runs are kept in ${path}, which cannot be used: .*${code}`),
      );
    }
  });

  it('is no file that is missing elsewhere', () => {
    const error = Object.assign(new Error('ENOENT'), { code: 'ENOENT', path: '/opt/here/dist/x.json' });
    expect(folderTrouble(error, '/home/ada/.sierra-batch')).toBeUndefined();
    expect(folderTrouble(Object.assign(error, { path: '/home/ada' }), '/home/ada/.sierra-batch')).toContain(
      'ENOENT',
    );
  });

  it('is a folder in which another one is at work, until that has ended', async () => {
    const folder = join(folderOfItsOwn(), '.sierra-batch');
    const free = await lockFolder(folder);
    const error: unknown = await lockFolder(folder).catch((thrown: unknown) => thrown);
    expect(folderTrouble(error, folder)).toBe(
      `another sierra-batch is at work in ${folder}; \`sierra-batch run FILE\` hands it a manifest, or wait until it has ended`,
    );
    await free();
    await (await lockFolder(folder))();
  });
});
