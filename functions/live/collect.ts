import { makeCollect } from '../collect/collect.ts';
import { live } from '../live.ts';

/** What Lambda calls. */
export const handler = makeCollect(live('collect'));
