package bridge_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"porthole/gateway/bridge"
	"porthole/wire"
)

// skipped starts a message that porthole.v1 skips: its op is no one's.
const skipped = "\xff\x00"

// promptly bounds how long a connection lasts whose client has answered a close
// frame: less than the gateway waits for one that does not.
const promptly = 4 * time.Second

// chunks is how bytes are cut into writes.
type chunks struct {
	name string
	next func(left int) int
}

var (
	whole      = chunks{"whole", func(left int) int { return left }}
	byteByByte = chunks{"byte by byte", func(int) int { return 1 }}
)

// random cuts into pieces of up to size bytes, the same for the same seed.
func random(size int, seed uint64) chunks {
	r := rand.New(rand.NewPCG(seed, 0))
	return chunks{"random", func(left int) int { return min(left, 1+r.IntN(size)) }}
}

// pour writes on a goroutine of its own; wait waits for it.
func pour(t testing.TB, c net.Conn, s string, cut chunks) (wait func()) {
	t.Helper()
	sent := drip(c, s, cut)
	return func() {
		t.Helper()
		if err := <-sent; err != nil {
			t.Errorf("the client writes: %v", err)
		}
	}
}

// drip does so too, and tells of an error.
func drip(c net.Conn, s string, cut chunks) (sent <-chan error) {
	done := make(chan error, 1)
	go func() {
		for len(s) > 0 {
			n := cut.next(len(s))
			if _, err := io.WriteString(c, s[:n]); err != nil {
				done <- fmt.Errorf("with %d bytes left: %w", len(s), err)
				return
			}
			s = s[n:]
		}
		done <- nil
	}()
	return done
}

// masked is a frame of the kit's, whose mask is zeros, with another.
func masked(key uint32, frame string) string {
	b := []byte(frame)
	at := 2
	switch b[1] &^ 0x80 {
	case 126:
		at = 4
	case 127:
		at = 10
	}
	binary.BigEndian.PutUint32(b[at:], key)
	mask, payload := b[at:at+4], b[at+4:]
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return string(b)
}

// unmasked is a short frame of the kit's as a server would send it.
func unmasked(frame string) string {
	return string([]byte{frame[0], frame[1] &^ 0x80}) + frame[6:]
}

// long is a frame whose length is in 2 or 8 bytes, needed or not.
func long(opcode byte, bytes int, size uint64, payload string) string {
	b := binary.BigEndian.AppendUint64(nil, size)[8-bytes:]
	mark := map[int]byte{2: 126, 8: 127}[bytes]
	return string([]byte{0x80 | opcode, 0x80 | mark}) + string(b) + "\x00\x00\x00\x00" + payload
}

// fragments is a message of so many fragments, each with a mask of its own.
func fragments(opcode byte, parts ...string) string {
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(masked(0x9e3779b9*uint32(i+1), frame(i == len(parts)-1, opcode, part)))
		opcode = opContinuation
	}
	return b.String()
}

// recorder is a peer that tells, when a connection has ended, what it read. An
// echo reads no more once its own bytes find no one.
func recorder(t testing.TB, echo bool) (bridge.Target, func() string) {
	t.Helper()
	records := make(chan string, 8)
	target := peer(t, func(c *net.TCPConn) {
		var b strings.Builder
		var back io.Writer = io.Discard
		if echo {
			back = c
		}
		if _, err := io.Copy(back, io.TeeReader(c, &b)); err == nil {
			_ = c.CloseWrite()
		}
		records <- b.String()
	})
	return target, func() string {
		t.Helper()
		select {
		case s := <-records:
			return s
		case <-time.After(patience):
			t.Fatal("the peer's connection does not end")
			return ""
		}
	}
}

// heard is what came on a WebSocket, frame by frame.
type heard struct {
	data  strings.Builder // payload of data frames, joined
	pongs []string
	left  bool   // a close frame came,
	bye   string // with this payload
}

// hear reads frames until there is enough, or a close frame comes. Each must be
// as a server may send it.
func (h *heard) hear(f *framer, enough func() bool) {
	f.t.Helper()
	for !enough() {
		head, err := f.r.Peek(2)
		if err != nil {
			f.t.Fatalf("behind %d bytes, %d pongs: %v", h.data.Len(), len(h.pongs), err)
		}
		first, second := head[0], int(head[1])
		opcode, payload, err := f.next()
		if err != nil {
			f.t.Fatalf("in a frame that starts with %x: %v", first, err)
		}
		if first&0xF0 != 0x80 || second > 127 {
			f.t.Fatalf("§5.1, §5.2: a frame starts with %x %x: in fragments, with reserved bits or a mask", first, second)
		}
		if n := len(payload); second == 126 && n < 126 || second == 127 && n < 1<<16 {
			f.t.Errorf("§5.2: the length %d is not in its shortest form", n)
		}
		switch opcode {
		case opBinary:
			h.data.Write(payload)
		case opPong:
			h.pongs = append(h.pongs, string(payload))
		case opClose:
			h.left, h.bye = true, string(payload)
			return
		default:
			f.t.Fatalf("a frame with opcode %x", opcode)
		}
	}
}

// close reads up to the close frame.
func (h *heard) close(f *framer) {
	f.t.Helper()
	soon(f)
	h.hear(f, func() bool { return false })
}

// soon has what is read next come promptly.
func soon(f *framer) {
	f.t.Helper()
	if err := f.SetReadDeadline(time.Now().Add(promptly)); err != nil {
		f.t.Fatal(err)
	}
}

// code is what the close frame says: 0 if nothing.
func (h *heard) code() int {
	if len(h.bye) < 2 {
		return 0
	}
	return int(binary.BigEndian.Uint16([]byte(h.bye)))
}

// answers tells whether the pongs answer the pings: each in its order, and the
// newest for sure (§5.5.3 lets a busy gateway leave out those before it).
func (h *heard) answers(pings []string) bool {
	if len(pings) == 0 {
		return len(h.pongs) == 0
	}
	rest := pings
	for _, pong := range h.pongs {
		i := slices.Index(rest, pong)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return len(h.pongs) > 0 && h.pongs[len(h.pongs)-1] == pings[len(pings)-1]
}

// ends reads on behind the close frame: nothing may come, and then FIN.
func ends(f *framer) {
	f.t.Helper()
	soon(f)
	if rest, err := io.ReadAll(f.r); len(rest) > 0 || err != nil {
		f.t.Errorf("behind the close frame come %d bytes, %v, want the end", len(rest), err)
	}
}

// part is what a client does once a close frame has come that it did not begin.
type part int

const (
	answer part = iota // with a close frame
	finish             // it ends its side: it is in the middle of a frame, or said goodbye
	none               // it said goodbye, and waits
)

func (p part) take(f *framer, code int) {
	f.t.Helper()
	switch p {
	case answer:
		f.send(closeFrame(uint16(code), ""))
	case finish:
		if err := f.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			f.t.Error(err)
		}
	}
}

// each runs a test with each way to cut bytes, against each kind of session.
func each(t *testing.T, subprotocols []string, cuts []chunks, test func(t *testing.T, f *framer, cut chunks, record func() string)) {
	for _, subprotocol := range subprotocols {
		for _, cut := range cuts {
			t.Run(fmt.Sprintf("%q %s", subprotocol, cut.name), func(t *testing.T) {
				target, record := recorder(t, true)
				f := frames(t, serve(t, to(target)), subprotocol)
				if subprotocol != "" {
					record = func() string { return "" }
				}
				test(t, f, cut, record)
			})
		}
	}
}

var (
	rawOnly  = []string{""}
	v1Only   = []string{wire.Subprotocol}
	anyKind  = []string{"", wire.Subprotocol}
	bothCuts = []chunks{whole, byteByByte}
)

// hasty sends bytes in one write with its first: the handshake's request.
type hasty struct {
	net.Conn
	more string
}

func (c *hasty) Write(p []byte) (int, error) {
	more := c.more
	c.more = ""
	_, err := c.Conn.Write(append(slices.Clip(p), more...))
	return len(p), err
}

func openHasty(t *testing.T, host, subprotocol, more string) *framer {
	t.Helper()
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	deadline(t, c)
	f, status := handshake(t, &hasty{c, more}, subprotocol)
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", status)
	}
	f.Conn = c
	return f
}
