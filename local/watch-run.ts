export { readJson, readText, watchRun } from '../submission/watch-run.ts';
