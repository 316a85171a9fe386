// Runs a program in Node, over its own net: node node.mjs NAME '{"host": …}'.
const [name, to] = process.argv.slice(2);
const { run } = await import(`./${name}.js`);
await run(JSON.parse(to), console.log);
process.exit();
