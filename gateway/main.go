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
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"porthole/gateway/bridge"
	"porthole/web"
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
	Listen          string          `default:"127.0.0.1:8080" help:"Where to serve the page: host:port; port 0 is any free one."`
	Target          []bridge.Target `placeholder:"ADDR" help:"What pages may dial: host:port, or the path of a Unix socket. Repeat for more; the first is the default. With none, it is the greeter."`
	Greeter         string          `default:"localhost:1234" placeholder:"ADDR" help:"Where to start a greeter if there is no --target: host:port, or the path of a Unix socket; port 0 is any free one. A server that listens there already is used instead."`
	Watch           string          `placeholder:"URL" help:"Show the events of a tcpserver that serves them here, as http://127.0.0.1:1235/events does when there is one on this machine."`
	Origin          []string        `placeholder:"ORIGIN" help:"A further origin whose pages may connect, as https://example.org. Repeat for more."`
	Events          bool            `default:"true" negatable:"" help:"Tell pages, and at /events, what sockets do. Without, they carry bytes at less cost."`
	History         int             `default:"4096" help:"How many events are kept for who comes to /events later, or is behind."`
	Open            bool            `help:"Open the page in the default browser."`
	Listens         []bridge.Target `name:"allow-listen" placeholder:"ADDR:PORTS" help:"Where pages may listen, and choose the near end of a socket to be: an address or a block, with a port or a range, as 127.0.0.1:8000-8999. Repeat for more. With none it is the loopback, from port 1024, if only this machine can reach the gateway."`
	SessionLoopback bool            `help:"Give each WebSocket a loopback address of its own to listen on (Linux)."`
	Dialect         []dialect       `placeholder:"NAME[=PATH]" help:"Serve the clients of another bridge, at its usual paths or at this one. Repeat for more."`
	TokenFile       string          `placeholder:"FILE" help:"Where the tokens of --dialect websockify lead: a line of TOKEN: host:port for each, or a folder of such files, read at each request. Without, all lead to the default target."`
	Keys            string          `placeholder:"FILE" help:"Who may come: a line of NAME KEY [TARGET...] for each, read again when it changes. Anyone may unless given."`
	LoginAge        time.Duration   `default:"12h" help:"How long a login lasts."`
	TLSCert         string          `name:"tls-cert" placeholder:"FILE" help:"Serve over TLS with this certificate (PEM). It is read again when it changes."`
	TLSKey          string          `name:"tls-key" placeholder:"FILE" help:"The key of --tls-cert."`
	Bus             string          `placeholder:"URL" help:"Be one of a fleet: share events, counts and leases over NATS with JetStream, as nats://a:4222,b:4222,c:4222; or embedded, or embedded:DIR, for a history of this gateway's own that survives it in a directory."`
	BusCreds        string          `placeholder:"FILE" help:"What the servers of --bus want to see (NATS credentials)."`
	BusAge          time.Duration   `default:"1h" help:"How long the bus keeps events; whoever comes to it first says so."`
	BusBytes        int64           `default:"268435456" help:"How many bytes of them it keeps, likewise."`
	Admin           string          `placeholder:"ADDR" help:"Where to serve operators: /metrics (Prometheus), /readyz and /debug/pprof. Nowhere unless given; keep it to yourself."`
	Proxy           []proxy         `name:"trust-proxy" placeholder:"CIDR" help:"A reverse proxy, or a block of them, that is believed what it says of its clients (X-Forwarded-For, X-Forwarded-Proto). Repeat for more."`
	Limits          limits          `embed:"" group:"Limits (a negative one is none):"`
	Log             string          `enum:"text,json" default:"text" help:"How to log to stderr: text or json."`
	Grace           time.Duration   `default:"5s" help:"How long pages and sockets have to end after SIGINT or SIGTERM. A second signal ends all at once."`
}

// limits are those of the bridge, as options.
type limits struct {
	MaxSessions int           `default:"0" help:"How many WebSockets there may be; 0 is what descriptors allow."`
	MaxClient   int           `default:"64" help:"How many of them one client may have. Those on this machine may have any number."`
	MaxUser     int           `default:"256" help:"How many of them a user of --keys may have, on all gateways of the --bus."`
	MaxTarget   int           `default:"16384" help:"How many sockets there may be to one target."`
	MaxStreams  int           `default:"256" help:"How many sockets one WebSocket may have, 256 at most."`
	UpgradeRate float64       `default:"10" help:"How many WebSockets a client may open in a second, and ten times as many at once."`
	DialRate    float64       `default:"100" help:"How many sockets a WebSocket may open in a second, and --max-streams at once; more wait."`
	MaxMessage  int           `default:"65536" help:"How many bytes a message of porthole.v1 may have, 65536 at most."`
	FrameRate   float64       `default:"10000" help:"How many frames a client may send in a second, and as many at once; more wait. Those on this machine may send any number, here and below."`
	ByteRate    float64       `default:"33554432" help:"How many bytes a second each way a WebSocket may carry, and as many at once; more wait."`
	Buffer      int           `default:"524288" help:"How many bytes the kernel may hold each way of a socket, the page's and the target's. Without a limit it may be many MiB."`
	DialTimeout time.Duration `default:"10s" help:"How long a dial may take, resolution included."`
	Idle        time.Duration `default:"1h" help:"How long a WebSocket may be without a byte for or from a socket."`
	HalfClosed  time.Duration `default:"5m" help:"How long a socket may be without a byte once one side has ended."`
	MaxAge      time.Duration `default:"24h" help:"How long a WebSocket may live."`
	Blocked     time.Duration `default:"1m" help:"How long a page may take nothing of what there is for it, or not answer a ping."`
	Ping        time.Duration `default:"25s" help:"How long a page may be silent before it gets a ping."`
	Unacked     time.Duration `default:"5m" help:"How long a target may leave bytes unacknowledged, or have no room for any (Linux)."`
}

func (l limits) bridge() bridge.Limits {
	return bridge.Limits{
		Sessions: l.MaxSessions, Client: l.MaxClient, User: l.MaxUser, Target: l.MaxTarget, Streams: l.MaxStreams,
		Upgrades: l.UpgradeRate, Dials: l.DialRate,
		Message: l.MaxMessage, Frames: l.FrameRate, Bytes: l.ByteRate, Buffer: l.Buffer,
		Dial: l.DialTimeout, Idle: l.Idle, HalfClosed: l.HalfClosed, Age: l.MaxAge,
		Blocked: l.Blocked, Ping: l.Ping, Unacked: l.Unacked,
	}
}

// proxy is a block of addresses, or one.
type proxy netip.Prefix

func (p *proxy) UnmarshalText(b []byte) error {
	addr, err := netip.ParseAddr(string(b))
	if err == nil {
		*p = proxy(netip.PrefixFrom(addr, addr.BitLen()))
		return nil
	}
	block, err := netip.ParsePrefix(string(b))
	if err != nil {
		return fmt.Errorf("%q: want an address or a block of them, as 10.0.0.0/8", b)
	}
	*p = proxy(block)
	return nil
}

// run serves until the context ends. Its error is for main to print.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	return runWith(ctx, web.New, args, stdout, stderr)
}

// runWith is run with another way to have the page.
func runWith(ctx context.Context, page func(context.Context) (*web.Handler, error), args []string, stdout, stderr io.Writer) error {
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
	g := &gateway{options: o, page: page, logger: slog.New(slog.NewTextHandler(stderr, nil)), stderr: stderr}
	if o.Log == "json" {
		g.logger = slog.New(slog.NewJSONHandler(stderr, nil))
	}
	err = g.serve(ctx, stdout)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // it was told to end before it was up
	}
	return err
}
