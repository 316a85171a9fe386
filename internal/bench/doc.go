// Command bench measures the gateway against what else carries TCP, and against
// a plain TCP hop, which is the floor:
//
//	$ go run ./internal/bench
//	$ go run ./internal/bench -phases echo64,down -peers haproxy,raw -rounds 5
//
// And it lets many sessions stay in a gateway, most of them idle, to see what they
// cost, that all are served, and that nothing of them is left:
//
//	$ go run ./internal/bench soak -idle 10000 -busy 100 -time 60s -- --no-events
//
// Each measurement has a process of its own, fresh, between a load client and a
// TCP server that are both in this process. Peers take turns within a round, so
// that what else the machine does meets all of them, and what is compared is
// compared within a round. CPU a unit of work is the figure to trust; rates say
// as much about the machine.
//
// Every byte is checked. One that is wrong, or a connection that is lost, fails
// the measurement, and in the end the command. It goes nowhere but loopback and
// does not claim to be what a browser sees: the client is ours, and lean.
package main
