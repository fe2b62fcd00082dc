/** One thing that `doctor` has looked at. */
export interface Finding {
  what: string;
  /** `note`: nothing stands in the way, and it is worth knowing. */
  state: 'ok' | 'missing' | 'note';
  /** What it says, and what to do; empty where all is well. */
  todo: string;
}

export const ok = (what: string): Finding => ({ what, state: 'ok', todo: '' });
export const missing = (what: string, todo: string): Finding => ({ what, state: 'missing', todo });
export const note = (what: string, todo: string): Finding => ({ what, state: 'note', todo });
