//go:build linux

package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Opcodes of RFC 6455 §5.2.
const (
	opContinuation = 0
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
)

// closedError is a WebSocket that the peer has closed, and its code.
type closedError struct{ code uint16 }

func (e closedError) Error() string { return fmt.Sprintf("websocket closed with code %d", e.code) }

// ws is the client's end of a WebSocket: the same for every peer, and no more
// work than it takes. It allocates nothing for a message.
type ws struct {
	c       net.Conn
	pattern *pattern
	in      []byte // in[r:w] is not parsed yet
	r, w    int
	primed  bool   // there are bytes that came with the handshake
	out     []byte // what queue has made
	small   []byte // a message of the reader's own

	frame bool   // inside a data frame …
	left  uint64 // … which has that many bytes to come
	final bool   // … and ends its message
	first bool   // nothing of its message was taken yet
	inMsg bool   // a fragmented message goes on
	bye   bool   // we have sent a close
}

// upgrade makes a WebSocket of a connection (RFC 6455 §4.1), and owns it then.
func upgrade(c net.Conn, p *pattern, path, protocol string, buffer int) (*ws, error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // it never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	req := "GET " + path + " HTTP/1.1\r\nHost: " + c.RemoteAddr().String() +
		"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + "\r\n"
	if protocol != "" {
		req += "Sec-WebSocket-Protocol: " + protocol + "\r\n"
	}
	if _, err := io.WriteString(c, req+"\r\n"); err != nil {
		return nil, err
	}
	br := bufio.NewReaderSize(c, 1<<10)
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		return nil, fmt.Errorf("handshake: %w", err)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if res.StatusCode != http.StatusSwitchingProtocols ||
		res.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) ||
		res.Header.Get("Sec-WebSocket-Protocol") != protocol {
		return nil, fmt.Errorf("handshake: answered %s, %v", res.Status, res.Header)
	}
	w := &ws{c: c, pattern: p, in: make([]byte, buffer)}
	w.w, _ = io.ReadFull(br, w.in[:br.Buffered()]) // a peer may send right behind its answer
	w.primed = w.w > 0
	return w, nil
}

// appendHeader starts a masked frame.
func appendHeader(b []byte, op byte, n int, key [4]byte) []byte {
	b = append(b, 0x80|op)
	switch {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return append(b, key[:]...)
}

// send sends one frame at once, on the reader's own account: net.Conn keeps it
// whole beside what another goroutine writes.
func (w *ws) send(op byte, payload []byte) error {
	w.small = appendHeader(w.small[:0], op, len(payload), mask)
	for i, b := range payload {
		w.small = append(w.small, b^mask[i%4])
	}
	_, err := w.c.Write(w.small)
	return err
}

func (w *ws) queue(st *stream, size, count int) {
	for range count {
		piece, key := w.pattern.maskedAt(st.sent, size, len(st.head))
		w.out = appendHeader(w.out, opBinary, len(st.head)+size, key)
		for i, b := range st.head {
			w.out = append(w.out, b^key[i%4])
		}
		w.out = append(w.out, piece...)
		st.sent += uint64(size)
	}
}

func (w *ws) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.c.Write(w.out)
	w.out = w.out[:0]
	return err
}

// taker gets the bytes of messages as they come: at most what is left of a
// frame, whether a message begins or ends with them. It says how many it took;
// what it leaves comes again with more.
type taker func(b []byte, first, last bool) (int, error)

// next reads once and hands on all that has come.
func (w *ws) next(take taker) error {
	if !w.primed {
		n, err := w.c.Read(w.in[w.w:])
		if n == 0 {
			return err
		}
		w.w += n
	}
	w.primed = false
	for w.r < w.w {
		ok, err := w.step(take)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
	}
	w.w = copy(w.in, w.in[w.r:w.w])
	w.r = 0
	if w.w == len(w.in) {
		return errors.New("the read buffer is too small for a message's head")
	}
	return nil
}

// step parses a header or hands on a payload. It is false if that takes more
// bytes than have come.
func (w *ws) step(take taker) (bool, error) {
	if !w.frame {
		ok, err := w.header()
		if !ok || err != nil || !w.frame {
			return ok, err
		}
	}
	n := int(min(uint64(w.w-w.r), w.left))
	whole := uint64(n) == w.left
	took, err := take(w.in[w.r:w.r+n], w.first, whole && w.final)
	if err != nil {
		return false, err
	}
	w.r += took
	w.left -= uint64(took)
	if took == n && whole {
		w.frame, w.inMsg = false, !w.final
	}
	w.first = w.first && took == 0
	if took < n && whole {
		return false, errors.New("a message's head is cut by a frame")
	}
	return took == n, nil
}

// header parses the header of a frame, and all of a control frame.
func (w *ws) header() (bool, error) {
	b := w.in[w.r:w.w]
	if len(b) < 2 {
		return false, nil
	}
	op, size, left := b[0]&15, 2, uint64(b[1]&0x7f)
	if b[0]&0x70 != 0 || b[1]&0x80 != 0 {
		return false, fmt.Errorf("frame header % x has a mask or reserved bits", b[:2])
	}
	switch left {
	case 126:
		if size = 4; len(b) < size {
			return false, nil
		}
		left = uint64(binary.BigEndian.Uint16(b[2:]))
	case 127:
		if size = 10; len(b) < size {
			return false, nil
		}
		left = binary.BigEndian.Uint64(b[2:])
	}
	if op >= opClose {
		if uint64(len(b)-size) < left {
			return false, nil
		}
		w.r += size + int(left)
		return true, w.control(op, b[size:size+int(left)])
	}
	if (op == opContinuation) != w.inMsg || op > opBinary {
		return false, fmt.Errorf("frame header % x does not belong here", b[:2])
	}
	w.r += size
	w.frame, w.left, w.final, w.first = true, left, b[0]&0x80 != 0, op != opContinuation || w.first
	return true, nil
}

// control answers a control frame. A close is an error.
func (w *ws) control(op byte, payload []byte) error {
	switch op {
	case opPing:
		return w.send(opPong, payload)
	case opPong:
		return nil
	case opClose:
		code := uint16(1005)
		if len(payload) >= 2 {
			code = binary.BigEndian.Uint16(payload)
		}
		if !w.bye {
			w.bye = true
			_ = w.send(opClose, payload[:min(2, len(payload))]) // the code is what matters now
		}
		return closedError{code}
	}
	return fmt.Errorf("unknown opcode %d", op)
}

// close does the close handshake, and then the peer closes the connection first
// (RFC 6455 §7.1.1). What still comes is not looked at.
func (w *ws) close() error {
	defer w.c.Close()
	w.bye = true
	if err := w.send(opClose, []byte{1000 >> 8, 1000 & 0xff}); err != nil {
		return err
	}
	skip := func(b []byte, _, _ bool) (int, error) { return len(b), nil }
	for {
		err := w.next(skip)
		if closed, ok := errors.AsType[closedError](err); ok {
			if closed.code != 1000 {
				return err
			}
			break
		}
		if err != nil {
			return fmt.Errorf("close handshake: %w", err)
		}
	}
	_, err := io.Copy(io.Discard, w.c)
	return err
}

func (w *ws) readDeadline(t time.Time) error { return w.c.SetReadDeadline(t) }

// raw is a link whose messages are the stream's bytes.
type raw struct {
	*ws
	st   *stream
	got  func(*stream, int)
	take taker // made once, so that a read makes no closure
}

func newRaw(w *ws) *raw {
	l := &raw{ws: w, st: &stream{}}
	l.take = func(b []byte, _, _ bool) (int, error) {
		if err := l.st.check(l.pattern, b); err != nil {
			return 0, err
		}
		l.st.got += uint64(len(b))
		l.got(l.st, len(b))
		return len(b), nil
	}
	return l
}

func (l *raw) read(got func(*stream, int)) error {
	l.got = got
	return l.next(l.take)
}
