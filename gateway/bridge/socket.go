package bridge

import (
	"bufio"
	"net"
	"net/http"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice; this file is its one seam
	"nhooyr.io/websocket"
)

// upgrade answers the handshake (RFC 6455 §4.2), which is the library's work:
// the connection behind it is ours. Origin and Host have been judged, for the
// library would let a rebound name pass. On an error it has answered with a
// status.
func upgrade(w http.ResponseWriter, r *http.Request, subprotocol string) (c net.Conn, early []byte, err error) {
	h := &hijacker{ResponseWriter: w}
	if h.taker = taker(w); h.taker != nil {
		w = h
	}
	opts := &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled}
	if subprotocol != "" {
		opts.Subprotocols = []string{subprotocol}
	}
	ws, err := websocket.Accept(w, r, opts) // without a taker it answers 501
	if err != nil {
		if h.conn != nil {
			_ = h.conn.Close()
		}
		return nil, nil, err
	}
	_ = ws.CloseNow() // it ends the library's goroutine
	return h.conn, h.early, nil
}

// hijacker keeps the connection, and gives the library one that goes nowhere.
type hijacker struct {
	http.ResponseWriter
	taker http.Hijacker
	conn  net.Conn
	early []byte // the client need not wait for our answer to go on
}

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := h.taker.Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = c
	h.early, _ = rw.Reader.Peek(rw.Reader.Buffered())
	return nowhere{c}, bufio.NewReadWriter(bufio.NewReaderSize(nowhere{c}, 16), bufio.NewWriterSize(nowhere{c}, 16)), nil
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

// nowhere is a connection that the library may close.
type nowhere struct{ net.Conn }

func (nowhere) Read([]byte) (int, error)         { return 0, net.ErrClosed }
func (nowhere) Write(p []byte) (int, error)      { return len(p), nil }
func (nowhere) Close() error                     { return nil }
func (nowhere) SetDeadline(time.Time) error      { return nil }
func (nowhere) SetReadDeadline(time.Time) error  { return nil }
func (nowhere) SetWriteDeadline(time.Time) error { return nil }
