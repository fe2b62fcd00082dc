import { makeIngest } from '../ingest.ts';
import { live } from '../live.ts';

/** What Lambda calls. */
export const handler = makeIngest(live('ingest'));
