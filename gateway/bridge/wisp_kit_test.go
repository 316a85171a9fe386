package bridge_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net/http"
	"strings"
	"testing"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
)

// The packets of Wisp, as its specification has them.
const (
	wispConnect  = 1
	wispData     = 2
	wispContinue = 3
	wispClose    = 4
	wispInfo     = 5
)

// wispPacket is a packet as it is on the wire.
func wispPacket(kind byte, id uint32, body string) string {
	return string(binary.LittleEndian.AppendUint32([]byte{kind}, id)) + body
}

// wispWhere is what CONNECT says: TCP is 1, UDP 2.
func wispWhere(network byte, host string, port uint16) string {
	return string(binary.LittleEndian.AppendUint16([]byte{network}, port)) + host
}

// wispPassword is the extension 02 of a client, in today's encoding.
func wispPassword(user, password string) string {
	body := string(rune(len(user))) + user + password
	return string(binary.LittleEndian.AppendUint32([]byte{2}, uint32(len(body)))) + body
}

// wispClient is a client of Wisp that sends no more than it may. Its reader takes
// what comes.
type wispClient struct {
	t  testing.TB
	ws *websocket.Conn

	monitor        // of what is below, and of the streams
	server  string // its INFO
	credit  int    // of a stream that begins; 0 until there is one
	refusal byte   // with which stream 0 was closed
	ended   error  // how the WebSocket ended
	last    uint32 // the newest stream
	streams map[uint32]*wispEnd
}

// wispEnd is a client's end of a stream.
type wispEnd struct {
	c      *wispClient
	id     uint32
	in     []byte
	credit int
	opened bool // it was told so, or got more credit
	reason byte // 0 while it is open
}

// asWisp serves the bridge's clients of Wisp.
func asWisp(b *bridge.Bridge) func(http.Handler) http.Handler {
	return func(http.Handler) http.Handler { return b.Wisp() }
}

// serveWisp puts what a bridge has for clients of Wisp on a server.
func serveWisp(t testing.TB, b *bridge.Bridge) (host string) {
	t.Helper()
	return serve(t, b, asWisp(b))
}

// openWisp opens a session of v2 with the extensions, or of v1 if there is none, not
// even an empty one.
func openWisp(t testing.TB, host string, extensions ...string) *wispClient {
	t.Helper()
	c := dialWisp(t, host, extensions...)
	c.awaits("CONTINUE on stream 0", func() bool { return c.credit > 0 })
	return c
}

// dialWisp is openWisp which does not wait for the server's word.
func dialWisp(t testing.TB, host string, extensions ...string) *wispClient {
	t.Helper()
	var protocols []string
	if extensions != nil {
		protocols = []string{"wisp-v2"}
	}
	c := &wispClient{t: t, ws: dialWS(t, "ws://"+host, protocols...), streams: map[uint32]*wispEnd{}}
	c.changed.L = &c.mu
	c.ws.SetReadLimit(1 << 20)
	done := background(c.read)
	t.Cleanup(func() {
		_ = c.ws.CloseNow()
		<-done
	})
	if extensions != nil {
		c.awaits("the server's INFO", func() bool { return c.server != "" })
		c.send(wispInfo, 0, "\x02\x00"+strings.Join(extensions, ""))
	}
	return c
}

func (c *wispClient) read() {
	for {
		kind, msg, err := c.ws.Read(context.Background())
		c.mu.Lock()
		switch {
		case err != nil:
			c.ended = err
		case kind != websocket.MessageBinary || len(msg) < 5:
			c.t.Errorf("a message is no packet: %v %q", kind, msg)
		default:
			c.receive(msg[0], binary.LittleEndian.Uint32(msg[1:]), msg[5:])
		}
		c.changed.Broadcast()
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// receive takes a packet. mu is held.
func (c *wispClient) receive(kind byte, id uint32, body []byte) {
	s := c.streams[id]
	switch {
	case kind == wispInfo && id == 0 && c.server == "":
		c.server = string(body)
	case kind == wispContinue && id == 0 && c.credit == 0 && len(body) == 4:
		c.credit = int(binary.LittleEndian.Uint32(body))
	case kind == wispClose && id == 0 && len(body) == 1:
		c.refusal = body[0]
	case s == nil || s.reason != 0:
		c.t.Errorf("packet %d for stream %d, which is not open", kind, id)
	case kind == wispData:
		s.in = append(s.in, body...)
	case kind == wispContinue && len(body) == 4:
		s.credit, s.opened = int(binary.LittleEndian.Uint32(body)), true
	case kind == wispClose && len(body) == 1:
		s.reason = body[0]
	default:
		c.t.Errorf("packet %d for stream %d says %q", kind, id, body)
	}
}

// awaits waits until done, which it calls with mu held.
func (c *wispClient) awaits(what string, done func() bool) {
	c.t.Helper()
	if !c.await(func() bool { return done() || c.ended != nil }) || !c.is(done) {
		c.t.Fatalf("no %s; the WebSocket: %v", what, c.ended)
	}
}

func (c *wispClient) is(done func() bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return done()
}

// write sends a message, and tells whether it could.
func (c *wispClient) write(msg string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.ws.Write(ctx, websocket.MessageBinary, []byte(msg))
}

func (c *wispClient) send(kind byte, id uint32, body string) {
	c.t.Helper()
	if err := c.write(wispPacket(kind, id, body)); err != nil {
		c.t.Fatal(err)
	}
}

// connect begins a stream, with an id of its own.
func (c *wispClient) connect(network byte, host string, port uint16) *wispEnd {
	c.t.Helper()
	c.last++
	return c.connectAs(c.last, network, host, port)
}

func (c *wispClient) connectAs(id uint32, network byte, host string, port uint16) *wispEnd {
	c.t.Helper()
	c.mu.Lock()
	s := &wispEnd{c: c, id: id, credit: c.credit}
	c.streams[id] = s
	c.mu.Unlock()
	c.send(wispConnect, id, wispWhere(network, host, port))
	return s
}

func (c *wispClient) to(t bridge.Target) *wispEnd {
	c.t.Helper()
	return c.connect(1, t.Host, t.Port)
}

// status waits for the end of the WebSocket, and gives its code and reason.
func (c *wispClient) status() (int, string) {
	c.t.Helper()
	if !c.await(func() bool { return c.ended != nil }) {
		c.t.Fatal("the WebSocket does not end")
	}
	e, _ := errors.AsType[websocket.CloseError](c.ended)
	return int(e.Code), e.Reason
}

// send sends a packet of data, as soon as there is credit for it.
func (s *wispEnd) send(data string) {
	s.c.t.Helper()
	s.c.awaits("credit", func() bool { return s.credit > 0 || s.reason != 0 })
	s.c.mu.Lock()
	s.credit-- // it is no less than it was looked at, for a CONTINUE says never 0
	s.c.mu.Unlock()
	s.c.send(wispData, s.id, data)
}

// close closes it, and wants nothing more of it. Its id is free again.
func (s *wispEnd) close(reason byte) {
	s.c.t.Helper()
	s.c.send(wispClose, s.id, string([]byte{reason}))
}

// receive waits for n bytes in all.
func (s *wispEnd) receive(n int) string {
	s.c.t.Helper()
	s.c.awaits("bytes", func() bool { return len(s.in) >= n || s.reason != 0 })
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if len(s.in) < n {
		s.c.t.Fatalf("it is closed with %#x behind %d bytes, want %d", s.reason, len(s.in), n)
	}
	return string(s.in)
}

// closed waits for the server's CLOSE.
func (s *wispEnd) closed() byte {
	s.c.t.Helper()
	s.c.awaits("CLOSE", func() bool { return s.reason != 0 })
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	return s.reason
}
