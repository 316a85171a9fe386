package bridge

import (
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"porthole/wire"
)

// socket is the WebSocket of one session, after the upgrade.
type socket interface {
	// Next waits for what the page sent, in the way that the upgrade was told
	// to. It is valid until the next call. Once a close frame has come or gone
	// only the end is waited for, which is an error. One goroutine calls Next,
	// Ready and Linger; all others may be called from any.
	Next() ([]byte, error)
	// Ready tells whether the next message is to be joined to the last: Next
	// would not wait, and leave it valid.
	Ready() bool
	// Send sends whole frames. It blocks while the page does not read.
	Send(frames []byte) error
	// Reads counts what Next begins to wait for, and what comes: it is odd while
	// the page is waited for.
	Reads() uint64
	// Sends counts what Send begins and what it ends: it is odd while one is
	// under way.
	Sends() uint64
	// Ping asks the page for a sign of life (RFC 6455 §5.5.2). It does not wait
	// for whoever is sending.
	Ping()
	// Close sends a close frame (RFC 6455 §7), behind which nothing goes. The
	// page has closeWait for its own.
	Close(code int, reason string)
	// Linger waits for the page's close frame, if ours is out: what it sent
	// before must be read, or the connection is reset and ours is lost.
	Linger()
	// Abort ends the connection at once.
	Abort()
}

// Close codes (RFC 6455 §7.4.1).
const (
	closeNormal      = 1000
	closeGoingAway   = 1001
	closeProtocol    = 1002
	closeUnsupported = 1003
	closeNoStatus    = 1005 // never on the wire
	closeNotUTF8     = 1007
	closePolicy      = 1008
	closeTooBig      = 1009
	closeInternal    = 1011
)

// closeWait bounds the close handshake: time for a slow link to bring what is
// under way.
const closeWait = 5 * time.Second

// webSocket is the server's end of a WebSocket.
type webSocket struct {
	reader
	to sink

	sends   atomic.Uint64
	out     lock                       // one frame is written at a time
	closing atomic.Bool                // a close frame is the last that is
	cut     atomic.Pointer[time.Timer] // … and this the page's time for its own
	aside   atomic.Pointer[[]byte]     // a ping, or the answer to the newest, until it is sent
	over    bool                       // the page's close frame has come
}

// newWebSocket takes over a connection after the handshake, and what came with
// it: at most a buffer. Next returns whole messages, of binary, or bytes as they
// come; where it is watched, not many messages as one unless they are a load.
func newWebSocket(c net.Conn, early []byte, whole, watched bool) *webSocket {
	ws := &webSocket{out: newLock(), reader: reader{whole: whole, merge: !whole, binary: whole, most: wire.MaxMessage}}
	if watched {
		ws.single = rate.NewLimiter(singleRate, singleBurst)
	}
	ws.init(c)
	ws.to.init(c)
	ws.control = ws.obey
	if len(early) > 0 {
		ws.source.take()
		ws.have = copy(ws.buf[:], early)
	}
	return ws
}

func (ws *webSocket) Next() ([]byte, error) {
	for !ws.over {
		if ws.closing.Load() {
			ws.whole, ws.merge, ws.deaf = false, true, true
		}
		p, err := ws.reader.Next()
		switch {
		case err == nil && !ws.closing.Load():
			return p, nil
		case err == nil:
			continue
		}
		if _, ok := errors.AsType[*violation](err); !ok { // behind one the page's goodbye may come
			ws.drop()
		}
		return nil, err
	}
	ws.drop()
	return nil, net.ErrClosed
}

func (ws *webSocket) Linger() {
	for ws.closing.Load() && !ws.over {
		if _, err := ws.Next(); err != nil {
			return
		}
	}
}

// obey does what a control frame asks for.
func (ws *webSocket) obey(opcode byte, payload []byte) error {
	switch opcode {
	case opPing: // only the newest needs an answer (RFC 6455 §5.5.3)
		pong := append(make([]byte, room, room+maxControl), payload...)
		pong = pong[putHead(pong, room, opPong):]
		ws.aside.Store(&pong)
		ws.hasten()
	case opClose:
		ws.over = true
		said, err := parseGoodbye(payload)
		if v, ok := errors.AsType[*violation](err); ok {
			ws.Close(v.code, v.text)
			return err
		}
		ws.close(payload[:min(2, len(payload))]) // the same code
		return said
	}
	return nil
}

func (ws *webSocket) Send(frames []byte) error {
	ws.throttle.goes(len(frames))
	ws.out.Lock()
	defer ws.unlock()
	if ws.closing.Load() {
		return net.ErrClosed
	}
	ws.sends.Add(1)
	defer ws.sends.Add(1)
	_, err := ws.to.write(frames)
	return err
}

func (ws *webSocket) Reads() uint64 { return ws.reads.Load() }
func (ws *webSocket) Sends() uint64 { return ws.sends.Load() }

func (ws *webSocket) Ping() {
	ping := make([]byte, room)
	ping = ping[putHead(ping, room, opPing):]
	if ws.aside.CompareAndSwap(nil, &ping) { // a pong is as good
		ws.hasten()
	}
}

// hasten sends a control frame, unless someone is sending, who will.
func (ws *webSocket) hasten() {
	if ws.out.TryLock() {
		ws.unlock()
	}
}

// unlock ends a write, behind which a control frame may go.
func (ws *webSocket) unlock() {
	for {
		if frame := ws.aside.Swap(nil); frame != nil && !ws.closing.Load() {
			_, _ = ws.to.write(*frame) // what breaks it shows in reading
		}
		ws.out.Unlock()
		if ws.aside.Load() == nil || !ws.out.TryLock() {
			return
		}
	}
}

func (ws *webSocket) Close(code int, reason string) {
	ws.close(append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...))
}

// close sends a close frame, if none was. What is written before it, and the
// page's answer, have closeWait.
func (ws *webSocket) close(payload []byte) {
	cut := time.AfterFunc(closeWait, ws.Abort)
	ws.throttle.end()
	frame := append(make([]byte, room, room+maxControl), payload...)
	ws.out.Lock()
	defer ws.unlock()
	if ws.closing.Swap(true) {
		cut.Stop()
		return
	}
	ws.cut.Store(cut)
	_, _ = ws.to.write(frame[putHead(frame, room, opClose):]) // what breaks it shows in reading
}

func (ws *webSocket) Abort() {
	ws.throttle.end()
	if cut := ws.cut.Load(); cut != nil {
		cut.Stop()
	}
	_ = ws.conn.Close()
}

// hungUp is nil if err is a page's orderly close (RFC 6455 §7.1.5), or its
// absence of a reason for one; else it is err.
func hungUp(err error) error {
	if said, ok := errors.AsType[*goodbye](err); ok {
		switch said.code {
		case closeNormal, closeGoingAway, closeNoStatus:
			return nil
		}
	}
	return err
}
