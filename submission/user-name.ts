import { userInfo } from 'node:os';

/** What this machine calls whoever is at work; undefined for a container's user, who may have no name. */
export function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
