package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	//lint:file-ignore SA1019 the library is the project's choice
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
	"porthole/web/client"
	"porthole/wire"
)

// page is a porthole.v1 session as a native program has it: nhooyr's WebSocket
// under web/client. Whoever holds mu is the client's one goroutine.
type page struct {
	*client.Session
	t      testing.TB
	host   string
	bridge *bridge.Bridge // set by a test that ends it
	ws     *websocket.Conn

	monitor          // of what is below, and of the streams
	out     [][]byte // for the writer
	close   func()   // for the writer, behind out
	over    bool     // the writer ends
	frozen  bool     // the reader takes nothing
	ended   error    // how the WebSocket ended
	hello   *wire.Hello
	events  []wire.Event
	lost    uint64
	got     int // bytes of data messages
	streams []*stream
	referee referee
}

// open opens a session and waits for hello.
func open(t testing.TB, host string) *page {
	t.Helper()
	p := &page{t: t, host: host, ws: dialWS(t, "ws://"+host, wire.Subprotocol)}
	p.ws.SetReadLimit(wire.MaxMessage)
	p.changed.L = &p.mu
	p.Session = client.NewSession(p, p)
	var running sync.WaitGroup
	running.Go(p.read)
	running.Go(p.write)
	t.Cleanup(func() {
		p.thaw()
		_ = p.ws.CloseNow()
		p.mu.Lock()
		p.over = true
		p.changed.Broadcast()
		p.mu.Unlock()
		running.Wait()
	})
	p.await("hello", func() bool { return p.hello != nil })
	return p
}

// wsClient keeps no connection. Its ends are never EOF, which the library takes
// for the end of a message.
var wsClient = &http.Client{Transport: &http.Transport{
	DisableKeepAlives: true,
	DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return endless{c}, err
	},
}}

type endless struct{ net.Conn }

func (c endless) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func dialWS(t testing.TB, url string, subprotocols ...string) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{HTTPClient: wsClient, Subprotocols: subprotocols})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.CloseNow() })
	return ws
}

func (p *page) read() {
	for {
		_, msg, err := p.ws.Read(context.Background())
		p.mu.Lock()
		for p.frozen {
			p.changed.Wait()
		}
		if err != nil {
			p.ended = err
			p.Session.Gone()
		} else {
			p.receive(msg)
		}
		p.changed.Broadcast()
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *page) receive(msg []byte) {
	if err := p.referee.message(msg); err != nil {
		p.t.Errorf("the gateway breaks the rules: %v", err)
	}
	if op, _, rest, _ := wire.ParseHead(msg); op == wire.OpData {
		p.got += len(rest)
	}
	if err := p.Session.Receive(msg); err != nil {
		p.t.Errorf("the client does not take a message: %v", err)
	}
}

func (p *page) write() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for len(p.out) == 0 && p.close == nil && !p.over {
			p.changed.Wait()
		}
		out, end := p.out, p.close
		p.out, p.close = nil, nil
		if p.over || p.ended != nil {
			return
		}
		p.mu.Unlock()
		for _, msg := range out {
			_ = p.ws.Write(context.Background(), websocket.MessageBinary, msg) // the reader sees what is wrong
		}
		if end != nil {
			end()
		}
		p.mu.Lock()
	}
}

// Send and Close are the client's socket.

func (p *page) Send(msg []byte) {
	p.out = append(p.out, append([]byte(nil), msg...))
	p.changed.Broadcast()
}

func (p *page) Close(code int, reason string) {
	p.close = func() { _ = p.ws.Close(websocket.StatusCode(code), reason) }
	p.changed.Broadcast()
}

// Hello, Event and Lost are the session's handler.

func (p *page) Hello(h wire.Hello) { p.hello = &h }

func (p *page) Event(e wire.Event) {
	e.Data = append([]byte(nil), e.Data...)
	p.events = append(p.events, e)
}

func (p *page) Lost(n uint64) { p.lost += n }

// freeze stops reading the WebSocket, as a page does whose thread is busy.
func (p *page) freeze() { p.hold(true) }
func (p *page) thaw()   { p.hold(false) }

func (p *page) hold(frozen bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = frozen
	p.changed.Broadcast()
}

// leave ends the WebSocket as a page does that is closed.
func (p *page) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Close(1000, "")
}

// vanish ends it without a word.
func (p *page) vanish() { _ = p.ws.CloseNow() }

// status waits for the end of the WebSocket and gives its code, -1 if it had
// none.
func (p *page) status() (code int, reason string) {
	p.t.Helper()
	p.await("the end", func() bool { return p.ended != nil })
	e, ok := errors.AsType[websocket.CloseError](p.ended)
	if !ok {
		return -1, p.ended.Error()
	}
	return int(e.Code), e.Reason
}

// await waits until done, which it calls with mu held.
func (p *page) await(what string, done func() bool) {
	p.t.Helper()
	if p.monitor.await(done) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.streams {
		p.t.Logf("a stream was told %q and read %d bytes", s.told, len(s.in))
	}
	p.t.Fatalf("%s did not come; the WebSocket ended: %v", what, p.ended)
}

// dial opens a stream; connect waits until it is connected.
func (p *page) dial(d wire.Dial) *stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &stream{p: p}
	p.streams = append(p.streams, s)
	s.Stream = p.Session.Dial(d, s)
	return s
}

// dialPaused is dial for a stream that nothing is read from.
func (p *page) dialPaused(target bridge.Target) *stream {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := &stream{p: p, paused: true}
	p.streams = append(p.streams, s)
	s.Stream = p.Session.Dial(wire.Dial{Host: target.Host, Port: uint64(target.Port)}, s)
	return s
}

func (p *page) connect(target bridge.Target) *stream {
	p.t.Helper()
	s := p.dial(wire.Dial{Host: target.Host, Port: uint64(target.Port)})
	s.await("connected", func() bool { return s.connected != nil })
	return s
}

// resolve asks for addresses and waits for them.
func (p *page) resolve(host string, family int) (addrs []string, f *wire.Failure) {
	p.t.Helper()
	done := false
	p.mu.Lock()
	p.Session.Resolve(host, family, func(a []string, failure *wire.Failure) { done, addrs, f = true, a, failure })
	p.mu.Unlock()
	p.await("resolved", func() bool { return done })
	return addrs, f
}

// stream is a stream of a page, and what its handler was told.
type stream struct {
	*client.Stream
	p         *page
	paused    bool // nothing is read
	in        []byte
	connected *wire.Connected
	failure   *wire.Failure // of failed, or error
	wrote     uint64
	kernels   []wire.Kernels
	reason    wire.Reason
	told      []string
}

func (s *stream) tell(what string) {
	if s.reason != 0 {
		s.p.t.Errorf("the client tells %s after closed: %q", what, s.told)
	}
	s.told = append(s.told, what)
}

func (s *stream) Connected(c wire.Connected) {
	s.tell("connected")
	s.connected = &c
}

func (s *stream) Failed(f wire.Failure) {
	s.tell("failed " + f.Code)
	s.failure = &f
}

func (s *stream) Readable() {
	if !s.paused {
		s.drain()
	}
}

func (s *stream) drain() {
	var buf [16 << 10]byte
	for {
		n := s.Stream.Read(buf[:])
		if n == 0 {
			return
		}
		s.in = append(s.in, buf[:n]...)
	}
}

func (s *stream) Wrote(n uint64) { s.wrote += n }
func (s *stream) End()           { s.tell("end") }
func (s *stream) Finished()      { s.tell("finished") }

func (s *stream) Kernel(k wire.Kernels) { s.kernels = append(s.kernels, k) }

func (s *stream) Error(f wire.Failure) {
	s.tell("error " + f.Code)
	s.failure = &f
}

func (s *stream) Closed(why wire.Reason) {
	s.tell("closed " + why.String())
	s.reason = why
}

func (s *stream) await(what string, done func() bool) {
	s.p.t.Helper()
	s.p.await(what, done)
}

// closed waits for the end and gives its reason.
func (s *stream) closed() wire.Reason {
	s.p.t.Helper()
	s.await("closed", func() bool { return s.reason != 0 })
	return s.reason
}

// do calls a method of the client's stream.
func (s *stream) do(f func()) {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	f()
}

// send writes all of b, as credit allows.
func (s *stream) send(b []byte) {
	s.p.t.Helper()
	for len(b) > 0 {
		s.await("credit", func() bool { return s.Credit() > 0 || s.reason != 0 })
		s.do(func() {
			if n := s.Stream.Write(b); n > 0 {
				b = b[n:]
			} else {
				b = nil // it has ended
			}
		})
	}
}

// receive waits for n bytes in all and gives what came.
func (s *stream) receive(n int) string {
	s.p.t.Helper()
	s.await(fmt.Sprintf("%d bytes", n), func() bool { return len(s.in) >= n })
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	return string(s.in)
}
