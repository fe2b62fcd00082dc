import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { startQuietSystem } from '../../local/start/quiet-system.ts';
import type { LocalSystem } from '../../local/system/system.ts';

/** A whole system in a folder of its own, both gone when the test is. */
export async function systemOfItsOwn(): Promise<{ system: LocalSystem; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'sbs-'));
  const system = await startQuietSystem(folder);
  onTestFinished(async () => {
    await system.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { system, folder };
}
