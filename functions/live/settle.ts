import { live } from '../live.ts';
import { makeSettle } from '../settle/settle.ts';

/** What Lambda calls. */
export const handler = makeSettle(live('settle'));
