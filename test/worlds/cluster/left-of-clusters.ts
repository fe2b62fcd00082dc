import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a cluster starts; a test's own command line may name the folder, too. */
const PROGRAMS = ['worlds/cluster/keeper.ts', 'worlds/cluster/machine/'];

/** Everything of a cluster that is still on this machine: processes, cgroups, mounts, records. */
export function leftOfClusters(id: string): string[] {
  const controllers = readdirSync('/sys/fs/cgroup').filter((name) => existsSync(`/sys/fs/cgroup/${name}`));
  const groups = ['', ...controllers].flatMap((controller) => namesIn(join('/sys/fs/cgroup', controller)));
  const records = existsSync('/run/sierra-batch') ? readdirSync('/run/sierra-batch') : [];
  const mounts = readFileSync('/proc/self/mounts', 'latin1').split('\n');
  const found = [
    ...PROGRAMS.flatMap(processesWith).map((line) => `process ${line}`),
    ...groups.map((name) => `cgroup ${name}`),
    ...records.map((name) => `record ${name}`),
    ...mounts.filter((line) => line.includes('sierra-batch')).map((line) => `mount ${line}`),
  ];
  return found.filter((line) => line.includes(id));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith('sierra-batch-'))
      .map((name) => join(folder, name));
  } catch {
    return []; // A file.
  }
}

function processesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
        return command.includes(text) ? [`${pid} ${command.slice(0, 200)}`] : [];
      } catch {
        return []; // It ended meanwhile.
      }
    });
}
