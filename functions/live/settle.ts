import { live } from '../live.ts';
import { makeSettle } from '../settle.ts';

/** What Lambda calls. */
export const handler = makeSettle(live('settle'));
