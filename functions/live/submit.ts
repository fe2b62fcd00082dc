import { live } from '../live.ts';
import { makeSubmit } from '../submit/submit.ts';

/** What Lambda calls. */
export const handler = makeSubmit(live('submit'));
