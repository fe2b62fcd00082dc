import type { Cluster } from './cluster/cluster.ts';
import { live } from './live.ts';
import { realClock } from './real-clock.ts';
import type { LocalSystem } from './system.ts';
import { startSystem } from './system.ts';

/** The whole system in real time, saying nothing, for programs that read what it leaves. @param folder absolute */
export function startQuietSystem(folder: string, cluster?: Cluster): Promise<LocalSystem> {
  const { nonce, image } = live();
  const nothing = () => undefined;
  return startSystem({
    folder,
    clock: realClock,
    nonce,
    image,
    defaultVcpus: 2,
    ...(cluster === undefined ? {} : { cluster }),
    logger: { info: nothing, warn: nothing, error: nothing },
  });
}
