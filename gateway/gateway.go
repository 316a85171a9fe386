package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"porthole/gateway/bridge"
	"porthole/tcpserver/greeter"
	"porthole/web"
	"porthole/wire/bus"
	"porthole/wire/tap"
)

// watchURL is where a tcpserver tells its events unless told otherwise.
const watchURL = "http://127.0.0.1:1235/events"

// gateway is one run of the command: what it serves, and in which order it ends.
type gateway struct {
	options
	page   func(context.Context) (*web.Handler, error)
	logger *slog.Logger
	stderr io.Writer // for programs that are started
	log    tap.Log
	bridge *bridge.Bridge

	fleet   bus.Bus
	others  map[string]http.Handler // of dialects, by path
	access  *access                 // nil if anyone may come
	metrics *metrics
	leaving atomic.Bool // it is told to end
}

// serve starts the parts, and ends them from the outside in: pages first, then
// the greeter that their sockets were connected to, then who reads events.
func (g *gateway) serve(ctx context.Context, stdout io.Writer) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", g.Listen)
	if err != nil {
		return explain(err, "--listen")
	}
	cert, page, greeting, err := g.prepare(ctx, l)
	if err != nil {
		_ = l.Close() // no one has come yet
		return err
	}
	g.log.History = g.History
	g.metrics = newMetrics()
	g.bridge = &bridge.Bridge{Policy: g.policy(l), Limits: g.Limits.bridge(), Open: g.private(l), Logger: g.logger, Dialled: g.metrics.dialled}
	if g.access != nil {
		g.bridge.Authenticate = g.access.authenticate
		g.bridge.Password = g.access.password
	}
	if g.Events {
		g.bridge.Log = &g.log
	}
	var admin *http.Server
	if err = g.join(ctx, l); err == nil {
		g.others, err = g.doors()
	}
	if err == nil {
		admin, err = g.administer(ctx)
	}
	if err != nil {
		_ = l.Close() // no one has come yet
		if greeting != nil {
			_ = greeting.Close()
		}
		if g.fleet != nil {
			g.leaveFleet(ctx)
		}
		return err
	}
	defer admin.Close() // last: it tells how the rest ends
	g.log.Also = g.fleet.Publish
	g.bridge.Fleet = g.fleet
	g.bridge.Fleetwide = g.Bus != "" && g.private(l)
	g.metrics.MustRegister(bridgeMetrics{g.bridge}, fleetMetrics{g.fleet})

	// The parts outlive ctx, until it is their turn.
	base := context.WithoutCancel(ctx)
	var parts sync.WaitGroup
	defer parts.Wait()
	watching, stopWatching := context.WithCancel(base)
	defer stopWatching()
	greeted := make(chan struct{})
	greeterCtx, stopGreeter := context.WithCancel(base)
	defer stopGreeter()
	greet := func(context.Context, *greeter.Server) error { return nil }
	switch {
	case greeting == nil:
	case g.Events:
		own := newStage(greeting, g.bridge.Observe, &g.bridge.Accepted)
		g.bridge.Server = own
		greet = own.serve
	default:
		greet = func(ctx context.Context, s *greeter.Server) error { return s.Serve(ctx, greeting) }
	}
	parts.Go(func() {
		defer close(greeted)
		// Its clients are mostly our own sockets, which have ended before it does.
		if err := greet(greeterCtx, &greeter.Server{Grace: time.Second}); err != nil {
			g.logger.Warn("greeter", "error", err)
		}
	})
	parts.Go(func() { g.watch(watching, greeting == nil) })
	parts.Go(func() { g.watchFleet(watching) })

	server := g.server(g.routes(page))
	server.BaseContext = func(net.Listener) context.Context { return watching }
	failed := make(chan error, 1)
	address := "http://" + l.Addr().String()
	if cert == nil {
		parts.Go(func() { failed <- server.Serve(l) })
	} else {
		address = "https://" + l.Addr().String()
		server.TLSConfig = &tls.Config{GetCertificate: cert.forHello}
		parts.Go(func() { failed <- server.ServeTLS(l, "", "") })
	}
	fmt.Fprintf(stdout, "open %s\n", address)
	if g.Open {
		parts.Go(func() { g.open(ctx, address) })
	}

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	g.leaving.Store(true)
	g.logger.Info("leaving", "sessions", g.bridge.Stats().Sessions, "grace", g.Grace)
	grace, cancel := context.WithTimeout(base, g.Grace)
	defer cancel()
	if g.bridge.Shutdown(grace) != nil {
		g.logger.Warn("the grace is over, sessions were cut")
	}
	stopGreeter()
	<-greeted
	g.leaveFleet(grace)
	stopWatching()
	if server.Shutdown(grace) != nil {
		_ = server.Close() // what still hangs on has had its time
	}
	return nil
}

// slow is how long a request may take to come.
const slow = 5 * time.Second

// server is an HTTP server as all of ours are: it waits neither for slow requests
// nor long for the next.
func (g *gateway) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength != 0 { // what no one reads is waited for, too
				_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(slow))
			}
			h.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: slow,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(g.logger.Handler(), slog.LevelWarn),
	}
}

// prepare makes what is to be there before anyone comes: the certificate, nil
// without TLS, the page, and what pages reach.
func (g *gateway) prepare(ctx context.Context, l net.Listener) (cert *certificate, page *web.Handler, greeting net.Listener, err error) {
	switch {
	case g.History < 1:
		return nil, nil, nil, errors.New("--history keeps one event at least; --no-events tells of none")
	case g.SessionLoopback && runtime.GOOS != "linux":
		return nil, nil, nil, errors.New("--session-loopback needs Linux, where all of 127.0.0.0/8 is this machine's")
	case (g.TLSCert == "") != (g.TLSKey == ""):
		return nil, nil, nil, errors.New("--tls-cert and --tls-key go together")
	case g.TLSCert != "":
		cert = newCertificate(g.TLSCert, g.TLSKey, g.logger)
		if err := cert.load(); err != nil {
			return nil, nil, nil, err
		}
	case !local(l) && len(g.Proxy) == 0:
		return nil, nil, nil, fmt.Errorf("--listen %s: others can reach it, and all would be in the clear\n  give --tls-cert and --tls-key, or say with --trust-proxy which reverse proxy is in front", g.Listen)
	}
	if g.Keys != "" {
		g.access = &access{keys: newKeys(g.Keys, g.logger), age: g.LoginAge, cookie: g.cookieName}
		if err := g.access.keys.load(); err != nil {
			return nil, nil, nil, err
		}
	} else if !g.private(l) {
		g.logger.Warn("anyone who can reach this gateway may use it; --keys says who may")
	}
	for _, at := range g.Listens {
		if !at.Numeric() {
			return nil, nil, nil, fmt.Errorf("--allow-listen %s: want an address or a block, with a port or a range, as 127.0.0.1:8000-8999", at)
		}
	}
	g.logger.Info("preparing the page")
	if page, err = g.page(ctx); err != nil {
		return nil, nil, nil, err
	}
	greeting, err = g.aim(ctx)
	return cert, page, greeting, err
}

// aim decides what pages reach. Without a target it is the greeter: the
// listener is for one of our own, or nil if there is one already.
func (g *gateway) aim(ctx context.Context) (net.Listener, error) {
	if len(g.Target) > 0 {
		return nil, nil
	}
	l, err := greeter.Listen(ctx, g.Greeter)
	code, _ := tap.Errno(err)
	switch {
	case err == nil:
		g.logger.Info("greeter listens", "addr", l.Addr())
	case code == "EADDRINUSE":
		g.logger.Info("a server listens there already, relaying to it", "addr", g.Greeter)
	default:
		return nil, explain(err, "--greeter")
	}
	t, err := bridge.ParseTarget(reachable(g.Greeter, l))
	if err != nil {
		if l != nil {
			_ = l.Close() // no one has come yet
		}
		return nil, fmt.Errorf("--greeter: %w", err)
	}
	g.Target = []bridge.Target{t}
	return l, nil
}

// reachable is how a listener is dialled: by the name that was asked for, and
// the port that it got.
func reachable(addr string, l net.Listener) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil || l == nil {
		return addr
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return addr
	}
	return net.JoinHostPort(host, port)
}

// watch brings in the events of a separate server: the one that was named, or
// the one that may be on this machine when the greeter is not ours.
func (g *gateway) watch(ctx context.Context, foreign bool) {
	w := tap.Watcher{URL: g.Watch, Emit: g.bridge.Observe, Lost: g.bridge.ObserveLost}
	named := w.URL != ""
	if !g.Events || !named && (!foreign || g.Bus != "") { // there such a server tells its events itself
		return
	}
	if !named {
		w.URL = watchURL
	}
	up, told := false, false
	w.State = func(err error) {
		switch {
		case err == nil:
			g.logger.Info("watching events", "url", w.URL)
		case up || named && !told:
			g.logger.Warn("no events to watch, trying again", "url", w.URL, "error", err)
			told = true
		}
		up = err == nil
	}
	_ = w.Run(ctx) // it ends with the context only
}

// policy lets in the pages of this gateway, by the name it listens on and those
// of the origins that were named. Others than this machine's are not told what
// is behind it.
func (g *gateway) policy(l net.Listener) bridge.Policy {
	p := bridge.Policy{
		Targets: g.Target, Origins: g.Origin, Discreet: !g.private(l),
		Listen: g.Listens, SessionLoopback: g.SessionLoopback,
	}
	if len(g.Listens) == 0 && g.private(l) {
		p.Listen = []bridge.Target{{Host: "127.0.0.0/8", Port: 1024, Last: 65535}, {Host: "::1", Port: 1024, Last: 65535}}
	}
	if own, err := netip.ParseAddrPort(l.Addr().String()); err == nil {
		p.Own = append(p.Own, own)
	}
	for _, block := range g.Proxy {
		p.Proxies = append(p.Proxies, netip.Prefix(block))
	}
	host, _, _ := net.SplitHostPort(g.Listen) // it is listened on, so it is well formed
	p.Hosts = append(p.Hosts, strings.ToLower(host))
	for _, o := range g.Origin {
		if u, err := url.Parse(o); err == nil {
			p.Hosts = append(p.Hosts, strings.ToLower(u.Hostname()))
		}
	}
	return p
}

// private tells whether only this machine's pages come: none by way of a proxy.
func (g *gateway) private(l net.Listener) bool { return local(l) && len(g.Proxy) == 0 }

// local tells whether only this machine can reach the listener.
func local(l net.Listener) bool {
	ap, err := netip.ParseAddrPort(l.Addr().String())
	return err == nil && ap.Addr().IsLoopback()
}

// explain says of an address that cannot be listened on what to try.
func explain(err error, flag string) error {
	if code, _ := tap.Errno(err); code == "EADDRINUSE" {
		return fmt.Errorf("%w\n  try %s with another port (0 is any free one), or see who holds it: lsof -nP -iTCP", err, flag)
	}
	return err
}
