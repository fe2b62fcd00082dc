/**
 * The nodefile, in the format of GNU parallel's `--sshloginfile` (`[N/][user@]host`), as SIERRA's `--nodefile` takes it.
 * `host slots=N` is MPI's syntax and wrong here; a blank line is a job that does nothing; an EMPTY file silently runs
 * everything on node 0, so an empty list is refused.
 */
export interface SshLogin {
  /** Tasks at once on this host; left to `--jobs` when absent. */
  slots?: number;
  user?: string;
  /** Address or host name; never `:` (which means "here, without ssh"). */
  host: string;
}

/** A sshlogin that GNU parallel would read differently from what was meant. */
export class BadNodefile extends Error {
  override readonly name = 'BadNodefile';
}

/** The file's text. @throws BadNodefile when empty or when a host would be misread. */
export function renderNodefile(logins: readonly SshLogin[]): string {
  if (logins.length === 0) {
    throw new BadNodefile('a nodefile without a node would make GNU parallel run everything on node 0');
  }
  return logins.map((login) => `${renderSshLogin(login)}\n`).join('');
}

/** One sshlogin as GNU parallel reads it. @throws BadNodefile */
function renderSshLogin({ slots, user, host }: SshLogin): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._:-]*$/.test(host))
    throw new BadNodefile(`not a host: ${JSON.stringify(host)}`);
  if (user !== undefined && !/^[A-Za-z_][A-Za-z0-9._-]*\$?$/.test(user))
    throw new BadNodefile(`not a user: ${JSON.stringify(user)}`);
  if (slots !== undefined && !(Number.isSafeInteger(slots) && slots > 0))
    throw new BadNodefile(`not a number of slots: ${slots}`);
  return `${slots === undefined ? '' : `${slots}/`}${user === undefined ? '' : `${user}@`}${host}`;
}

/** The inverse of {@link renderNodefile}; comments are skipped. @throws BadNodefile */
export function parseNodefile(text: string): SshLogin[] {
  const logins = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(parseSshLogin);
  if (logins.length === 0) throw new BadNodefile('the nodefile names no node');
  return logins;
}

function parseSshLogin(line: string): SshLogin {
  const match = /^(?:(\d+)\/)?(?:([^@\s/]+)@)?([^@\s/]+)$/.exec(line);
  if (match === null) throw new BadNodefile(`not a sshlogin: ${JSON.stringify(line)}`);
  const [, slots, user, host = ''] = match;
  return {
    ...(slots === undefined ? {} : { slots: Number(slots) }),
    ...(user === undefined ? {} : { user }),
    host,
  };
}
