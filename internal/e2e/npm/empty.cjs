// A module of Node's that a page has nothing for, and that is asked for no more than
// this.
module.exports = { Agent: class {} };
