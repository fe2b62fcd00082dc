import { describeSurroundings } from './variables-seen.ts';

describeSurroundings('stock');
