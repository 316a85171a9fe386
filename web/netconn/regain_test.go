//go:build !js

package netconn_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"porthole/gateway/bridge"
	"porthole/web/netconn"
)

// site is an address at which gateways come and go.
type site struct {
	t       testing.TB
	addr    string
	listens []bridge.Target  // where its pages may listen
	own     bool             // each session has a loopback of its own
	first   http.HandlerFunc // if set, it answers the first request

	bridge   *bridge.Bridge
	listener net.Listener
	server   *http.Server
	mu       sync.Mutex
	conns    []net.Conn // of WebSockets
}

// newSite is a site with a gateway.
func newSite(t testing.TB) *site {
	s := &site{t: t, addr: "127.0.0.1:0", listens: []bridge.Target{{Host: "127.0.0.0/8", Port: 1024, Last: 65535}}}
	s.open()
	t.Cleanup(func() {
		if s.bridge != nil {
			s.leave()
		}
	})
	return s
}

func (s *site) open() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.addr = l.Addr().String()
	s.bridge = &bridge.Bridge{Policy: bridge.Policy{
		Targets: []bridge.Target{{Host: "127.0.0.1", Port: 1}}, Listen: s.listens, SessionLoopback: s.own,
	}}
	handler := http.Handler(s.bridge)
	if first := s.first; first != nil {
		var once sync.Once
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answered := false
			once.Do(func() {
				first(w, r)
				answered = true
			})
			if !answered {
				s.bridge.ServeHTTP(w, r)
			}
		})
	}
	s.server = &http.Server{Handler: handler, ConnState: func(c net.Conn, state http.ConnState) {
		if state == http.StateHijacked {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.conns = append(s.conns, c)
		}
	}}
	s.listener = l
	go s.server.Serve(l)
}

// leave ends the gateway as it ends itself.
func (s *site) leave() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.bridge.Shutdown(ctx); err != nil {
		s.t.Errorf("the gateway does not end: %v", err)
	}
	_ = s.server.Close()
	_ = s.listener.Close() // the server may not have taken it yet
	s.bridge = nil
}

// cut ends the WebSockets, and nothing else.
func (s *site) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		_ = c.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	s.conns = nil
}

// kill ends the gateway, which tells no one.
func (s *site) kill() {
	s.cut()
	s.leave()
}

func (s *site) dialer() *netconn.Dialer {
	d := &netconn.Dialer{URL: "ws://" + s.addr + "/"}
	s.t.Cleanup(func() { _ = d.Close() })
	return d
}

// dial is a connection of someone who knows of no gateway.
func dial(t testing.TB, addr net.Addr) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func accept(t testing.TB, l net.Listener) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// orphan is a listener on a dialer of its own, as soon as it knows that its session
// is gone.
func orphan(t testing.TB, s *site, end func()) (*netconn.Dialer, *netconn.Listener) {
	t.Helper()
	d := s.dialer()
	l := listen(t, d).(*netconn.Listener)
	_ = dial(t, l.Addr())
	c := accept(t, l)
	end()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, netconn.ErrGone) {
		t.Fatalf("the connection reads %v, want ErrGone", err)
	}
	if l.Up() {
		t.Error("it says that it listens, without a gateway")
	}
	return d, l
}

// A listener outlives its gateway, at the same port; its connections do not, and
// say why.
func TestListenAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(s *site)
		code int
		says string
	}{
		"the gateway leaves":     {func(s *site) { s.leave(); s.open() }, 1001, "the gateway left (1001: the gateway is leaving)"},
		"the gateway is killed":  {func(s *site) { s.kill(); s.open() }, 1006, "the connection to the gateway was lost (1006: "},
		"the connection is lost": {func(s *site) { s.cut() }, 1006, "the connection to the gateway was lost (1006: "},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			l := listen(t, s.dialer()).(*netconn.Listener)
			at := l.Addr()
			_ = dial(t, at)
			accepted := accept(t, l)
			waits := dial(t, at)
			if _, err := io.WriteString(waits, "x"); err != nil {
				t.Fatal(err)
			}
			tc.end(s)
			for range 2 {
				_, err := accepted.Read(make([]byte, 1))
				gone, ok := errors.AsType[*netconn.Gone](err)
				if !ok || !errors.Is(err, netconn.ErrGone) || gone.Code != tc.code || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("who was accepted reads %v, want %d, %q", err, tc.code, tc.says)
				}
				if _, err := accepted.Write([]byte("x")); !errors.Is(err, netconn.ErrGone) {
					t.Errorf("… and writes %v", err)
				}
			}
			l.Await()
			again := dial(t, at)
			for {
				c := accept(t, l)
				if c.RemoteAddr().String() == again.LocalAddr().String() {
					if _, err := io.WriteString(c, "你好"); err != nil {
						t.Error(err)
					}
					_ = c.Close()
					break
				}
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, netconn.ErrGone) {
					t.Errorf("who waited reads %v, want ErrGone", err)
				}
			}
			if got, err := io.ReadAll(again); string(got) != "你好" || err != nil {
				t.Errorf("over the new gateway comes %q, %v", got, err)
			}
			if got := l.Addr().String(); got != at.String() || !l.Up() {
				t.Errorf("it listens at %v: %t; want %v", got, l.Up(), at)
			}
		})
	}
}

// All listeners of a Dialer come back, and each time.
func TestListenAgainAndAgain(t *testing.T) {
	s := newSite(t)
	d := s.dialer()
	var all []*netconn.Listener
	for range 5 {
		all = append(all, listen(t, d).(*netconn.Listener))
	}
	for range 3 {
		_ = dial(t, all[0].Addr())
		c := accept(t, all[0])
		s.cut()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, netconn.ErrGone) {
			t.Fatalf("the connection reads %v, want ErrGone", err)
		}
		for _, l := range all {
			l.Await()
			_ = dial(t, l.Addr())
			_ = accept(t, l).Close()
		}
	}
}

// Where a session has a loopback of its own, the next one has another.
func TestListenAgainElsewhere(t *testing.T) {
	s := newSite(t)
	s.leave()
	s.own = true
	s.open()
	l, err := s.dialer().Listen(soon(t), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	was := l.Addr()
	_ = dial(t, was)
	c := accept(t, l)
	s.cut()
	_, _ = c.Read(make([]byte, 1))
	l.(*netconn.Listener).Await()
	is := l.Addr()
	if is.(*net.TCPAddr).Port != was.(*net.TCPAddr).Port || is.String() == was.String() {
		t.Errorf("it listens at %v, and did at %v: want the same port, elsewhere", is, was)
	}
	_ = dial(t, is)
	_ = accept(t, l)
}

// What is refused for good ends the listener.
func TestListenAgainRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		next     func(t *testing.T, s *site, at net.Addr) // which gateway comes
		patience time.Duration
		want     error
		says     string
	}{
		"by the policy": {func(_ *testing.T, s *site, _ net.Addr) {
			s.listens = nil
			s.open()
		}, time.Hour, syscall.EACCES, "permission denied"},
		"by the kernel, for long": {func(t *testing.T, s *site, at net.Addr) {
			other, err := net.Listen("tcp", at.String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = other.Close() })
			s.open()
		}, time.Nanosecond, syscall.EADDRINUSE, "address already in use"},
		"at the door": {func(_ *testing.T, s *site, _ net.Addr) {
			s.first = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }
			s.open()
		}, time.Hour, nil, "the gateway does not let us in"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			d, l := orphan(t, s, s.leave)
			d.SetPatience(tc.patience)
			tc.next(t, s, l.Addr())
			for range 2 {
				_, err := l.Accept()
				op, ok := errors.AsType[*net.OpError](err)
				if !ok || op.Op != "accept" || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("got %v, want %q", err, tc.says)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// What may pass is tried again: a port that is another's, a gateway that is full.
func TestListenAgainPatiently(t *testing.T) {
	s := newSite(t)
	_, l := orphan(t, s, s.leave)
	other, err := net.Listen("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s.first = func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "full", http.StatusServiceUnavailable) }
	s.open()
	l.AwaitRefusal()
	_ = other.Close()
	l.Await()
	_ = dial(t, l.Addr())
	_ = accept(t, l)
}

// Who waits for a gateway that does not come back is let go.
func TestAcceptWithoutGateway(t *testing.T) {
	for name, tc := range map[string]struct {
		end  func(d *netconn.Dialer, l *netconn.Listener) error
		want []error
	}{
		"the listener is closed": {func(_ *netconn.Dialer, l *netconn.Listener) error { return l.Close() }, []error{net.ErrClosed}},
		"the Dialer is closed":   {func(d *netconn.Dialer, _ *netconn.Listener) error { return d.Close() }, []error{net.ErrClosed, netconn.ErrGone}},
		"the deadline passes": {func(_ *netconn.Dialer, l *netconn.Listener) error {
			return l.SetDeadline(time.Now().Add(20 * time.Millisecond))
		}, []error{os.ErrDeadlineExceeded}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			d, l := orphan(t, s, s.kill)
			done := make(chan error)
			go func() {
				_, err := l.Accept()
				done <- err
			}()
			if err := tc.end(d, l); err != nil {
				t.Fatal(err)
			}
			err := <-done
			for _, want := range tc.want {
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
			}
		})
	}
}

// A Dialer that was closed lets its listeners be, and may be used again.
func TestDialerCloseIsTheListenersEnd(t *testing.T) {
	s := newSite(t)
	d, l := orphan(t, s, s.cut)
	_ = d.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	other, err := d.Listen(soon(t), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dial(t, other.Addr())
	_ = accept(t, other)
	if err := other.Close(); err != nil {
		t.Error(err)
	}
}
