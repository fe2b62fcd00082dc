import { runCluster } from '../test/worlds/cluster/run.ts';

/** `npm run cluster -- N [MANIFEST]`: nodes as machines of their own, to look around in or to run an experiment on. */
process.exit(await runCluster(process.argv.slice(2)));
