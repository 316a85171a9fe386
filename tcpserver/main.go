// Command tcpserver answers every read of a TCP or Unix socket with 你好 and
// the bytes read, and tells what its sockets do: in its log, and over HTTP.
//
//	$ tcpserver &
//	listening on localhost:1234 (127.0.0.1:1234), try: nc localhost 1234
//	$ echo 哇咔咔 | nc -N localhost 1234
//	你好哇咔咔
//
// SIGINT or SIGTERM ends it: it accepts no one else and waits for the open
// connections until the grace is over, then cuts them. A second signal ends it
// at once, with status 1.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"porthole/tcpserver/greeter"
	"porthole/wire"
	"porthole/wire/tap"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2) // so that the second is never missed
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(1)
	}()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		os.Exit(1) // run has said why
	}
}

type options struct {
	Listen   string        `default:"localhost:1234" help:"Where to listen: host:port (port 0 is any free one), or the path of a Unix socket, with a slash in it."`
	Greeting string        `default:"${greeting}" help:"What stands in front of the bytes of each read."`
	Idle     time.Duration `placeholder:"TIME" help:"How long a client may send nothing, or take nothing, before it is closed; by default for ever."`
	Grace    time.Duration `default:"5s" help:"How long open connections may go on after SIGINT or SIGTERM. A second signal ends all at once."`
	Log      string        `enum:"text,json" default:"text" help:"How to log to stderr: text or json."`
	Bus      string        `placeholder:"URL" help:"Tell the events to a fleet of gateways, over NATS with JetStream, as nats://a:4222,b:4222,c:4222."`
	BusCreds string        `placeholder:"FILE" help:"What the servers of --bus want to see (NATS credentials)."`
	Events   string        `default:"127.0.0.1:1235" help:"Where to serve the events over HTTP, as lines of JSON or server-sent events; empty: nowhere. They hold what clients send: keep them on loopback."`
}

// run serves until the context ends or the listener fails. It tells what goes
// wrong on stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	helped := false
	parser := kong.Must(&o, kong.Name("tcpserver"),
		kong.Description("A TCP server that answers every read with a greeting and the bytes read."),
		kong.DefaultEnvars("TCPSERVER"), kong.Vars{"greeting": greeter.DefaultGreeting},
		kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }))
	_, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		fmt.Fprintf(stderr, "tcpserver: %v\n  try --help\n", err)
		return err
	}
	logger := newLogger(stderr, o.Log)
	err = serve(ctx, o, logger, stdout)
	if cut, ok := errors.AsType[*greeter.CutError](err); ok {
		logger.Warn("cut", "text", cut.Error())
		return nil // to end them was the order
	}
	if err != nil {
		failed(logger, slog.LevelError, "error", err)
	}
	return err
}

// serve greets and tells of it. Its error is the listener's, or that of
// greeter.Serve.
func serve(ctx context.Context, o options, logger *slog.Logger, stdout io.Writer) error {
	l, err := listen(ctx, o.Listen, "--listen")
	if err != nil {
		return err
	}
	web, err := listenEvents(ctx, o.Events)
	if errors.Is(err, errInUse) {
		failed(logger, slog.LevelWarn, "no events", err)
	} else if err != nil {
		_ = l.Close() // no one has come yet
		return err
	}

	// What watches ends after what is watched, so that it has the last event.
	var log tap.Log
	leave, err := join(ctx, o, l.Addr().String(), &log, logger)
	if err != nil {
		_ = l.Close() // no one has come yet
		if web != nil {
			_ = web.Close()
		}
		return err
	}
	defer leave()
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	var watchers sync.WaitGroup
	defer watchers.Wait()
	defer stop()
	fmt.Fprintf(stdout, "listening on %s, try: %s\n", where(o.Listen, l), netcat(o.Listen, l))
	if web != nil {
		own := typed(o.Events, web)
		fmt.Fprintf(stdout, "events at %s, try: curl -N %[1]s\n", eventsURL(own, web))
		watchers.Go(func() { serveEvents(watching, web, own, &log, logger) })
	}
	watchers.Go(func() { follow(watching, &log, logger) })

	var open atomic.Int64
	watched := tap.Listener(l, func(e wire.Event) {
		switch {
		case e.Kind == wire.Connection:
			open.Add(1)
		case e.Kind == wire.Close && !e.Listener():
			open.Add(-1)
		}
		log.Add(e)
	})
	server := greeter.Server{Greeting: o.Greeting, Idle: o.Idle, Grace: o.Grace}
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	served := make(chan error, 1)
	go func() { served <- server.Serve(serving, watched) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		logger.Info("closing", "open", open.Load(), "grace", o.Grace)
		end()
		return <-served
	}
}
