import { spawnSync } from 'node:child_process';

/** The person who typed sudo: tasks run as they do on that person's own nodes. */
export interface Caller {
  uid: number;
  gid: number;
  name: string;
  home: string;
}

/** @param variables this process's own; @returns undefined where root itself called, or nobody knows the user */
export function sudoCaller({
  SUDO_UID = '',
  SUDO_GID = '',
}: Readonly<NodeJS.ProcessEnv>): Caller | undefined {
  if (!/^[1-9]\d{0,9}$/.test(SUDO_UID) || !/^\d{1,10}$/.test(SUDO_GID)) return undefined;
  const { stdout } = spawnSync('getent', ['passwd', SUDO_UID], { encoding: 'utf8' });
  const [name = '', , , , , home = ''] = stdout.trim().split(':');
  return name === '' ? undefined : { uid: Number(SUDO_UID), gid: Number(SUDO_GID), name, home };
}

/** What a command is put behind to run as that person. */
export function asCaller({ uid, gid }: Caller): string[] {
  return ['setpriv', '--reuid', `${uid}`, '--regid', `${gid}`, '--init-groups', '--'];
}
