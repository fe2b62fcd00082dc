import { realClock } from '../clock/real.ts';
import { live } from '../system/live.ts';
import type { SystemSettings } from '../system/settings.ts';
import type { LocalSystem } from '../system/system.ts';
import { startSystem } from '../system/system.ts';

/** The whole system in real time, saying nothing, for programs that read what it leaves. @param folder absolute */
export function startQuietSystem(
  folder: string,
  more: Pick<SystemSettings, 'nodes' | 'fault' | 'onEvent'> & { image?: SystemSettings['image'] } = {},
): Promise<LocalSystem> {
  const { nonce, image } = live();
  const nothing = () => undefined;
  return startSystem({
    folder,
    clock: realClock,
    nonce,
    image,
    defaultVcpus: 2,
    logger: { info: nothing, warn: nothing, error: nothing },
    ...more,
  });
}
