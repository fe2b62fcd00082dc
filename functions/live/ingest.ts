import { makeIngest } from '../ingest/ingest.ts';
import { live } from '../live.ts';

/** What Lambda calls. */
export const handler = makeIngest(live('ingest'));
