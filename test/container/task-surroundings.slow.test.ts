import { describeSurroundings } from './task-surroundings.ts';

describeSurroundings('stock');
