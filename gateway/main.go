// Command gateway gives the pages that it serves TCP sockets, and shows what
// the sockets do.
//
//	$ go run ./gateway
//	open http://127.0.0.1:8080
//
// With no --target it starts a TCP greeter of its own at --greeter, or
// relays to the server that is there already. SIGINT or SIGTERM ends it: no one
// else is let in, every page is told, and what is left when the grace is over
// is cut. A second signal ends it at once.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"porthole/gateway/bridge"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the next signal does what it does by default
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

type options struct {
	Listen  string          `default:"127.0.0.1:8080" help:"Where to serve the page: host:port; port 0 is any free one."`
	Target  []bridge.Target `placeholder:"ADDR" help:"What pages may dial: host:port, or the path of a Unix socket. Repeat for more; the first is the default. With none, it is the greeter."`
	Greeter string          `default:"localhost:1234" placeholder:"ADDR" help:"Where to start a greeter if there is no --target: host:port, or the path of a Unix socket; port 0 is any free one. A server that listens there already is used instead."`
	Watch   string          `placeholder:"URL" help:"Show the events of a tcpserver that serves them here, as http://127.0.0.1:1235/events does when there is one on this machine."`
	Origin  []string        `placeholder:"ORIGIN" help:"A further origin whose pages may connect, as https://example.org. Repeat for more."`
	Events  bool            `default:"true" negatable:"" help:"Tell pages, and at /events, what sockets do. Without, they carry bytes at less cost."`
	Open    bool            `help:"Open the page in the default browser."`
	Log     string          `enum:"text,json" default:"text" help:"How to log to stderr: text or json."`
	Grace   time.Duration   `default:"5s" help:"How long pages and sockets have to end after SIGINT or SIGTERM. A second signal ends all at once."`
}

// run serves until the context ends. Its error is for main to print.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	helped := false
	parser, err := kong.New(&o, kong.Name("gateway"),
		kong.Description("A gateway that gives web pages TCP sockets, and shows what they do."),
		kong.DefaultEnvars("GATEWAY"), kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }))
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w\n  try --help", err)
	}
	g := &gateway{options: o, logger: slog.New(slog.NewTextHandler(stderr, nil)), stderr: stderr}
	if o.Log == "json" {
		g.logger = slog.New(slog.NewJSONHandler(stderr, nil))
	}
	err = g.serve(ctx, stdout)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // it was told to end before it was up
	}
	return err
}
