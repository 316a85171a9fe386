// Package netconn gives a Go program TCP through a gateway: net.Conn and
// net.Listener, in a web page as well as outside one. A client that lets its
// dial function be set works in a page with nothing else changed:
//
//	d := &netconn.Dialer{}
//	rdb := redis.NewClient(&redis.Options{Addr: "localhost:6379", Dialer: d.DialContext})
//
// A server that serves a net.Listener runs in the page, and is reached with nc:
//
//	l, err := d.Listen(ctx, "tcp", "localhost:8124")
//	http.Serve(l, handler)
//
// The sockets are the gateway's, and real: addresses and errors are what its
// kernel says. A Write returns when the gateway has the bytes, or has room for
// them; while the peer does not read, it waits. A connection holds at most a window
// of bytes each way (wire.Window up, wire.MaxWindow down).
package netconn

import (
	"context"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	"porthole/wire"
)

// Dialer reaches a gateway, and dials and listens through it. All that it opens
// shares one WebSocket, which it opens when it is first needed, and again when it
// has ended. Its fields must not change once it is used. It may be used by many
// goroutines at once.
type Dialer struct {
	// URL is the gateway's WebSocket, as "wss://example.org/ws". In a page it may
	// be relative to the page's own. If empty, it is "ws" beside the page; outside
	// of one it must be set.
	URL string
	// Protocols are subprotocols to offer beside porthole.v1: a gateway's ticket.
	Protocols []string
	// Header is sent with the handshake, as Authorization. A page cannot send one:
	// there it must be empty.
	Header map[string][]string

	mu      sync.Mutex
	session *session // the newest; nil before the first

	turn sync.Mutex         // of whoever does something with its sessions; behind mu
	lost []*Listener        // those to be listened on again
	stop context.CancelFunc // ends who does so; nil while none is lost

	patience time.Duration // with a refusal that may pass; if zero, that of regain.go
}

// Dial connects to an address: DialContext without an end.
func (d *Dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

// DialContext connects to an address through the gateway, which must allow it. The
// network is "tcp", "tcp4", "tcp6" or "unix". Names are resolved at the gateway. An
// error is a *net.OpError, as of package net. Once connected, the context's end
// does not concern the connection.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := parse(network, address)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	s, err := d.reach(ctx)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: to.addr(), Err: err}
	}
	c, err := s.dial(ctx, to)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Listen listens at the gateway, where that lets pages do so. The network is
// "tcp", "tcp4" or "tcp6". The host is an address, "localhost", or empty for
// wherever the gateway allows it, and port 0 is any: the listener's Addr tells. The
// context bounds the call, not the listener, which its caller closes, and which
// outlives its gateway: see [Listener].
func (d *Dialer) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	at, err := parse(network, address)
	if err == nil && network == "unix" {
		err = net.UnknownNetworkError(network)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	s, err := d.reach(ctx)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: at.addr(), Err: err}
	}
	l, err := s.listen(ctx, at)
	if err != nil {
		return nil, err
	}
	return l, nil
}

// LookupHost resolves a host at the gateway, which must have a target of that
// name, into addresses in the order to try.
func (d *Dialer) LookupHost(ctx context.Context, host string) ([]string, error) {
	s, err := d.reach(ctx)
	if err != nil {
		return nil, &net.OpError{Op: "lookup", Err: err}
	}
	return s.lookup(ctx, host, 0)
}

// Close ends the WebSocket, and with it all connections and listeners: a peer sees
// a reset where bytes are lost. The Dialer may be used again.
func (d *Dialer) Close() error {
	d.mu.Lock() // until the end: who listens again shall not open another
	defer d.mu.Unlock()
	if d.session != nil {
		d.session.close()
		d.session = nil
	}
	d.turn.Lock()
	defer d.turn.Unlock()
	for _, l := range slices.Clone(d.lost) { // all that there were
		l.end(errClosed)
	}
	return nil
}

// reach is the session to the gateway, opened if there is none.
func (d *Dialer) reach(ctx context.Context) (*session, error) {
	d.mu.Lock()
	if ctx.Err() != nil {
		d.mu.Unlock()
		return nil, stopped(ctx)
	}
	s := d.session
	if s == nil || s.over() {
		s = newSession(d)
		s.open(d)
		d.session = s
	}
	d.mu.Unlock()
	return s, s.await(ctx)
}

// endpoint is where to dial, or to listen.
type endpoint struct {
	network string
	host    string // or the path of a Unix socket
	port    uint16
	family  int // 4, 6, or 0 for both
}

func parse(network, address string) (endpoint, error) {
	e := endpoint{network: network}
	switch network {
	case "unix":
		e.host = address
		return e, nil
	case "tcp":
	case "tcp4":
		e.family = 4
	case "tcp6":
		e.family = 6
	default:
		return e, net.UnknownNetworkError(network)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return e, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return e, &net.AddrError{Err: "invalid port", Addr: address}
	}
	e.host, e.port = host, uint16(n)
	return e, nil
}

// addr is the endpoint as an error names it.
func (e endpoint) addr() net.Addr {
	if e.network == "unix" {
		return &net.UnixAddr{Name: e.host, Net: "unix"}
	}
	return name(net.JoinHostPort(e.host, strconv.Itoa(int(e.port))))
}

// name is an address that is not resolved here.
type name string

func (name) Network() string  { return "tcp" }
func (n name) String() string { return string(n) }

// address is one that the gateway's kernel tells, as package net has it.
func address(s string) net.Addr {
	host, port, err := net.SplitHostPort(s)
	ip := net.ParseIP(host)
	n, bad := strconv.Atoi(port)
	if err != nil || ip == nil || bad != nil {
		return &net.UnixAddr{Name: s, Net: "unix"}
	}
	return &net.TCPAddr{IP: ip, Port: n}
}

// dialTo is what the gateway is asked for.
func (e endpoint) dialTo(addr string) wire.Dial {
	return wire.Dial{Host: e.host, Address: addr, Port: uint64(e.port)}
}
