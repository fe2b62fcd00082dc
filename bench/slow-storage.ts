import { mkdirSync } from 'node:fs';
import { StrangeStorage } from '../test/worlds/cluster/faults/strange-storage.ts';

/** As an NFS client in another building: each call about metadata waits so long, and what was not there stays so. */
const DELAY_SECONDS = 0.002;
const NEGATIVE_SECONDS = 30;

/**
 * Puts slow storage over an empty folder, by FUSE, a client of its own for this process and for each of `pids`.
 * Answers how to take it away again. @throws Error with what FUSE said
 */
export async function mountSlowStorage(
  folder: string,
  pids: readonly number[],
): Promise<() => Promise<void>> {
  mkdirSync(folder, { recursive: true });
  const storages: StrangeStorage[] = [];
  const unmount = async () => {
    await Promise.all(storages.map((storage) => storage.unmount()));
  };
  try {
    for (const pid of [process.pid, ...pids])
      storages.push(await StrangeStorage.mount(folder, pid, NEGATIVE_SECONDS));
  } catch (error) {
    await unmount();
    throw error;
  }
  await Promise.all(storages.map((storage) => storage.slow(DELAY_SECONDS)));
  return unmount;
}
