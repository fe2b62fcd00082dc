import { describeSurroundings } from './variables-seen.ts';

describeSurroundings('pool');
