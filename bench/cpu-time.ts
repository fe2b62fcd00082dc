import { readFileSync } from 'node:fs';

/** Milliseconds of CPU that this process, and with them the children that it has waited for, used so far. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000 + childrenCpuMs();
}

/** Of ended children and of what those had waited for; the kernel counts in hundredths of a second. */
export function childrenCpuMs(): number {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  return (Number(fields[13]) + Number(fields[14])) * 10;
}
