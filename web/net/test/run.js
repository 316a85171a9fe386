// Runs the tests in Node, over its own net: node test/run.js [PART OF A NAME]
import './all.js';
import { runAll } from './kit.js';

const results = await runAll(console.log, process.argv[2]);
const count = (outcome) => results.filter((r) => r.outcome === outcome).length;
console.log(`${count('pass')} passed, ${count('fail')} failed, ${count('skip')} skipped`);
process.exit(count('fail') > 0 ? 1 : 0);
