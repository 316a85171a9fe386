package bridge

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice; this file is its one seam
	"nhooyr.io/websocket"
)

// socket is the WebSocket of one session, after the upgrade. Next and Read
// belong to one goroutine; the others may be called from any.
type socket interface {
	// Next waits for the next message and tells whether it is text.
	Next() (text bool, err error)
	// Read reads from the message, and io.EOF at its end.
	Read(p []byte) (int, error)
	// Write sends one binary message. It blocks while the peer does not read.
	Write(p []byte) error
	// Close sends a close frame (RFC 6455 §7), waits closeWait for the peer's,
	// and ends the connection. Only the first counts.
	Close(code int, reason string)
	// Abort ends the connection at once.
	Abort()
}

// Close codes (RFC 6455 §7.4.1).
const (
	closeNormal      = 1000
	closeGoingAway   = 1001
	closeProtocol    = 1002
	closeUnsupported = 1003
	closePolicy      = 1008
	closeTooBig      = 1009
	closeInternal    = 1011
)

// closeWait bounds the close handshake: time for a slow link to bring what is
// under way. The library would wait for ever on a peer that stops in the middle
// of a frame.
const closeWait = 5 * time.Second

// upgrade answers the handshake. Origin and Host have been judged: the library
// would let a rebound name pass. On an error it has answered with a status.
func upgrade(w http.ResponseWriter, r *http.Request, subprotocol string) (socket, error) {
	h := &hijacker{ResponseWriter: w}
	if h.taker = taker(w); h.taker != nil {
		w = h
	}
	opts := &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled}
	if subprotocol != "" {
		opts.Subprotocols = []string{subprotocol}
	}
	c, err := websocket.Accept(w, r, opts) // without a taker it answers 501
	if err != nil {
		return nil, err
	}
	c.SetReadLimit(-1) // ours is in the session, which reads piece by piece
	return &libSocket{ws: c, conn: h.conn}, nil
}

// hijacker gives the library a connection that can be sealed and cut.
type hijacker struct {
	http.ResponseWriter
	taker http.Hijacker
	conn  *sealable
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := h.taker.Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &sealable{Conn: c}
	rw.Writer.Reset(h.conn)
	return h.conn, rw, nil
}

// taker finds the Hijacker behind the writers of a router's middleware, nil if
// there is none.
func taker(w http.ResponseWriter) http.Hijacker {
	for {
		switch t := w.(type) {
		case http.Hijacker:
			return t
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil
		}
	}
}

// sealable is the connection below the library, rid of some of its defects.
type sealable struct {
	net.Conn
	left   int // bytes of the frame that is being written
	sealed bool
}

// Write lets one close frame out and swallows what comes behind it: the library
// answers the peer's answer with a second one, and may send data behind its
// answer to the peer's own. Chromium then calls a clean close an error. The
// library writes one frame at a time, from its first byte.
func (c *sealable) Write(p []byte) (int, error) {
	const closeFrame = 0x80 | 0x8 // FIN and opcode, RFC 6455 §5.2
	if c.left == 0 {
		if c.sealed {
			return len(p), nil
		}
		c.sealed = p[0] == closeFrame
		c.left = frameSize(p)
	}
	c.left -= len(p)
	return c.Conn.Write(p)
}

// Read tells a cut from an end: the library takes io.EOF behind a frame's header
// for the end of the message.
func (c *sealable) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// frameSize is how long the frame is that starts with p. A server's has no mask
// (RFC 6455 §5.2).
func frameSize(p []byte) int {
	switch n := int(p[1]); n {
	case 126:
		return 4 + int(binary.BigEndian.Uint16(p[2:]))
	case 127:
		return 10 + int(binary.BigEndian.Uint64(p[2:]))
	default:
		return 2 + n
	}
}

// libSocket is a socket over the library.
type libSocket struct {
	ws   *websocket.Conn
	conn *sealable
	msg  io.Reader

	mu     sync.Mutex // a message is written whole before a close
	closed bool
}

// The library watches a context for each call; one that never ends is watched
// at no cost. Cancelling would cut the connection, and Abort does that.
var forever = context.Background()

func (s *libSocket) Next() (bool, error) {
	t, r, err := s.ws.Reader(forever)
	s.msg = r
	return t == websocket.MessageText, err
}

func (s *libSocket) Read(p []byte) (int, error) { return s.msg.Read(p) }

func (s *libSocket) Write(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	return s.ws.Write(forever, websocket.MessageBinary, p)
}

func (s *libSocket) Close(code int, reason string) {
	cut := time.AfterFunc(closeWait, s.Abort)
	defer cut.Stop()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.mu.Unlock()
	_ = s.ws.Close(websocket.StatusCode(code), reason)
	s.Abort()
}

func (s *libSocket) Abort() {
	_ = s.conn.Close() // first: the library waits for its reader
	_ = s.ws.CloseNow()
}

// hungUp is nil if err is a peer's orderly close (RFC 6455 §7.1.5), or its
// absence of a reason for one; else it is err.
func hungUp(err error) error {
	switch websocket.CloseStatus(err) {
	case websocket.StatusNormalClosure, websocket.StatusGoingAway, websocket.StatusNoStatusRcvd:
		return nil
	}
	return err
}
