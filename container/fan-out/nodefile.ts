/**
 * The nodefile, in the format of GNU parallel's `--sshloginfile`, as SIERRA's `--nodefile` takes it: a host a line.
 * `host slots=N` is MPI's syntax and wrong here; a blank line is a job that does nothing; an EMPTY file silently runs
 * everything on node 0, so an empty list is refused.
 */

/** A sshlogin that GNU parallel would read differently from what was meant. */
export class BadNodefile extends Error {
  override readonly name = 'BadNodefile';
}

/**
 * The file's text. @param hosts addresses or names; never `:` (which means "here, without ssh")
 * @throws BadNodefile when empty or when a host would be misread
 */
export function renderNodefile(hosts: readonly string[]): string {
  if (hosts.length === 0)
    throw new BadNodefile('a nodefile without a node would make GNU parallel run everything on node 0');
  for (const host of hosts)
    if (!/^[A-Za-z0-9][A-Za-z0-9._:-]*$/.test(host))
      throw new BadNodefile(`not a host: ${JSON.stringify(host)}`);
  return hosts.map((host) => `${host}\n`).join('');
}

/**
 * The sshlogins of a nodefile; comments are skipped. One with slots or a user is told as it stands there.
 * @throws BadNodefile for MPI's syntax, and when empty
 */
export function parseNodefile(text: string): string[] {
  const logins = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (logins.length === 0) throw new BadNodefile('the nodefile names no node');
  const odd = logins.find((login) => /\s/.test(login));
  if (odd !== undefined) throw new BadNodefile(`not a sshlogin: ${JSON.stringify(odd)}`);
  return logins;
}
