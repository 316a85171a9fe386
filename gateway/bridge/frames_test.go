package bridge_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"testing"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/wire"
)

// talker is a session message by message, for what a client would never say.
type talker struct {
	t       testing.TB
	ws      *websocket.Conn
	hello   wire.Hello
	referee referee
}

func talk(t testing.TB, host string) *talker {
	t.Helper()
	k := &talker{t: t, ws: dialWS(t, "ws://"+host, wire.Subprotocol)}
	k.ws.SetReadLimit(wire.MaxMessage)
	k.body(wire.OpHello, 0, &k.hello)
	return k
}

func (k *talker) send(op wire.Op, id uint64, body wire.Body) {
	k.t.Helper()
	k.sendBytes(wire.Append(nil, op, id, body))
}

func (k *talker) sendBytes(msg []byte) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := k.ws.Write(ctx, websocket.MessageBinary, msg); err != nil {
		k.t.Fatal(err)
	}
}

// next is the next message, or how the WebSocket ended.
func (k *talker) next() (op wire.Op, id uint64, rest []byte, err error) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, msg, err := k.ws.Read(ctx)
	if err != nil {
		return 0, 0, nil, err
	}
	if err := k.referee.message(msg); err != nil {
		k.t.Fatalf("the gateway breaks the rules: %v", err)
	}
	return wire.ParseHead(msg)
}

// body wants a certain message next, and parses it. A nil body is any.
func (k *talker) body(op wire.Op, id uint64, body wire.Body) {
	k.t.Helper()
	gotOp, gotID, rest, err := k.next()
	if err != nil || gotOp != op || gotID != id {
		k.t.Fatalf("got op %d id %d %q, %v, want op %d id %d", gotOp, gotID, rest, err, op, id)
	}
	if body != nil {
		if err := wire.Parse(rest, body); err != nil {
			k.t.Fatal(err)
		}
	}
}

// connect dials the default target as stream id.
func (k *talker) connect(id uint64) {
	k.t.Helper()
	k.send(wire.OpDial, id, &wire.Dial{Window: wire.MaxWindow})
	k.body(wire.OpConnected, id, nil)
}

// status reads to the end of the WebSocket and gives its code and reason.
func (k *talker) status() (code int, reason string) {
	k.t.Helper()
	for {
		if _, _, _, err := k.next(); err != nil {
			e, _ := errors.AsType[websocket.CloseError](err)
			return int(e.Code), e.Reason
		}
	}
}

// framer is a WebSocket frame by frame (RFC 6455 §5), for what no library does
// or shows.
type framer struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// Opcodes (RFC 6455 §5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA
)

func frames(t testing.TB, host, subprotocol string) *framer {
	t.Helper()
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	deadline(t, c)
	f, status := handshake(t, c, subprotocol)
	if want := http.StatusSwitchingProtocols; status != want {
		t.Fatalf("status %d, want %d", status, want)
	}
	return f
}

// handshake asks for an upgrade on a connection, and gives the status.
func handshake(t testing.TB, c net.Conn, subprotocol string) (*framer, int) {
	t.Helper()
	protocol := ""
	if subprotocol != "" {
		protocol = "Sec-WebSocket-Protocol: " + subprotocol + "\r\n"
	}
	write(t, c, "GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"+protocol+"\r\n")
	f := &framer{t: t, Conn: c, r: bufio.NewReader(c)}
	resp, err := http.ReadResponse(f.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		if got, want := resp.Header.Get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="; got != want {
			t.Fatalf("Sec-WebSocket-Accept %q, want %q", got, want)
		}
	}
	return f, resp.StatusCode
}

// next reads one frame; its error is that of the connection.
func (f *framer) next() (opcode byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1])
	size := map[uint64]int{126: 2, 127: 8}[n]
	if size > 0 {
		var ext [8]byte
		if _, err := io.ReadFull(f.r, ext[8-size:]); err != nil {
			return 0, nil, err
		}
		n = binary.BigEndian.Uint64(ext[:])
	}
	if n > 1<<20 {
		return 0, nil, fmt.Errorf("a frame of %d bytes", n)
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(f.r, payload)
	return head[0] & 0xF, payload, err
}

// frame is a frame as a client sends it, masked with zeros.
func frame(fin bool, opcode byte, payload string) string {
	b := []byte{opcode}
	if fin {
		b[0] |= 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	return string(append(b, 0, 0, 0, 0)) + payload
}

func (f *framer) send(frames ...string) {
	f.t.Helper()
	for _, frame := range frames {
		write(f.t, f.Conn, frame)
	}
}

// closeFrame is what a close frame carries.
func closeFrame(code uint16, reason string) string {
	return frame(true, opClose, string(binary.BigEndian.AppendUint16(nil, code))+reason)
}

// goodbye reads up to the gateway's close frame, calls f for each message before
// it, answers it if answer is set, and reads on to the end of the connection:
// behind a close frame no other frame may come.
func (f *framer) goodbye(answer bool, message func(payload []byte)) (code int) {
	f.t.Helper()
	for {
		opcode, payload, err := f.next()
		if err != nil {
			f.t.Errorf("no close frame: %v", err)
			return 0
		}
		if opcode == opClose {
			code = int(binary.BigEndian.Uint16(payload))
			break
		}
		message(payload)
	}
	if answer {
		f.send(closeFrame(uint16(code), ""))
	}
	if opcode, payload, err := f.next(); err == nil {
		f.t.Errorf("behind the close frame comes one with opcode %x and %d bytes", opcode, len(payload))
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		f.t.Errorf("the connection does not end behind the close frame")
	}
	_ = f.Close() // as a client does then (RFC 6455 §7.1.1)
	return code
}

func ignore([]byte) {}
