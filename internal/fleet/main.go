// Command fleet shows many gateways as one, on this machine: three servers of NATS,
// three gateways behind haproxy, and two tcpservers, all processes of their own.
//
//	make fleet                    start them, and say where; SIGINT ends them
//	make fleet FLEET=-prove       let them work, kill some, and count what is lost
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.BoolVar(&o.prove, "prove", false, "let them work, kill a server of the bus and a gateway, and count what is lost")
	flag.IntVar(&o.clients, "clients", 60, "how many WebSockets work meanwhile")
	flag.DurationVar(&o.work, "work", 10*time.Second, "for how long they work before, between and behind the kills")
	flag.Parse()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

type options struct {
	prove   bool
	clients int
	work    time.Duration
}

// run starts a fleet, and proves it or waits until ctx ends.
func run(ctx context.Context, o options, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "porthole-fleet-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := start(ctx, dir)
	defer f.kill() // what is left of it
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "bus       %s\ntcpserver %s\n", f.bus, f.targets)
	for i, g := range f.gateways {
		fmt.Fprintf(out, "gateway   http://%s, /metrics at %s\n", g.addr, f.admins[i])
	}
	fmt.Fprintf(out, "open      http://%s, with the key %s\n", f.front, watcherKey)
	if o.prove {
		return prove(ctx, f, o, out)
	}
	<-ctx.Done()
	return f.end(out)
}
