package bridge

import (
	"net"
	"testing"

	"porthole/wire"
)

// Packets and their parts, as the specification has them.
func TestWispPackets(t *testing.T) {
	for want, got := range map[string][]byte{
		"\x82\x09\x03\x04\x03\x02\x01\x00\x01\x00\x00": wispContinueFrame(0x01020304, 256),
		"\x82\x06\x04\x07\x00\x00\x00\x44":             wispFrame(wispClose, 7, wispRefused),
		"\x02\x01\x00\x00\x00\x01":                     wispExtension(wispPassword, 1),
	} {
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	kind, id, body, err := parseWispHead([]byte("\x01\x04\x03\x02\x01\x01\x39\x05::1"))
	host, port, ok := parseWispConnect(body)
	if kind != wispConnect || id != 0x01020304 || err != nil || host != "::1" || port != 1337 || !ok {
		t.Errorf("CONNECT: %d for %#x, %v, to %q:%d, %v", kind, id, err, host, port, ok)
	}
	list := parseWispInfo([]byte("\x02\x07\x05\x00\x00\x00\x00\x63\x02\x00\x00\x00ab\x02\x01\x00\x00\x00x"))
	if len(list) != 3 || list[wispConfirmation] == nil || string(list[0x63]) != "ab" || string(list[wispPassword]) != "x" {
		t.Errorf("INFO: %q", list)
	}
}

// A failure has the reason of its kind, and what its phase says.
func TestWispReasonsOfFailures(t *testing.T) {
	for _, tt := range []struct {
		phase wire.Phase
		code  string
		want  byte
	}{
		{wire.PhasePolicy, "EACCES", 0x48},
		{wire.PhasePolicy, "EMFILE", 0x49},
		{wire.PhasePolicy, "EAGAIN", 0x49},
		{wire.PhasePolicy, "ENOMEM", 0x49},
		{wire.PhaseResolve, "ENOTFOUND", 0x42},
		{wire.PhaseResolve, "EAI_AGAIN", 0x42},
		{wire.PhaseResolve, "ETIMEDOUT", 0x43},
		{wire.PhaseDial, "ETIMEDOUT", 0x43},
		{wire.PhaseDial, "EHOSTUNREACH", 0x42},
		{wire.PhaseDial, "ENETUNREACH", 0x42},
		{wire.PhaseDial, "ECONNREFUSED", 0x44},
		{wire.PhaseDial, "EINVAL", 0x41},
		{wire.PhaseDial, "UNKNOWN", 0x03},
		{wire.PhaseRead, "ETIMEDOUT", 0x47},
		{wire.PhaseWrite, "ETIMEDOUT", 0x47},
		{wire.PhaseRead, "ECONNRESET", 0x03},
		{wire.PhaseWrite, "EPIPE", 0x03},
	} {
		if got := wispReason(&wire.Failure{Phase: tt.phase, Code: tt.code}); got != tt.want {
			t.Errorf("%v %s: %#x, want %#x", tt.phase, tt.code, got, tt.want)
		}
	}
}

// Both encodings, which no text that fits is both of.
func TestWispPasswords(t *testing.T) {
	for _, tt := range []struct {
		body           string
		user, password string
		ok             bool
	}{
		{"\x05aliceopen sesame", "alice", "open sesame", true},
		{"\x05\x0b\x00aliceopen sesame", "alice", "open sesame", true},
		{"\x05alice", "alice", "", true},
		{"\x05\x00\x00alice", "alice", "", true},
		{"\x00open", "", "open", true},
		{"\x00\x04\x00open", "", "open", true},
		{"\x01ab", "a", "b", true},
		{"\x00", "", "", true},
		{"", "", "", false},
		{"\x05ali", "", "", false},
	} {
		user, password, ok := parseWispPassword([]byte(tt.body))
		if user != tt.user || password != tt.password || ok != tt.ok {
			t.Errorf("%q: %q and %q, %v, want %q and %q, %v", tt.body, user, password, ok, tt.user, tt.password, tt.ok)
		}
	}
}

// Once the ids of four bytes are used up no stream begins, and those that are go on.
func TestWispIdsEnd(t *testing.T) {
	for _, id := range []uint64{wispFirst, wispLast} {
		if got := len(wire.AppendHead(nil, wire.OpData, id)); got != wispHead || id%2 == 0 {
			t.Errorf("the head of %d has %d bytes, want %d; and ids are odd", id, got, wispHead)
		}
	}
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	s := newWisp(&Bridge{}, nil, newWebSocket(ours, nil, false, false), false)
	w := s.sock.(*wisp)
	w.last = wispLast - 2
	const where = "\x01\x50\x00somewhere"
	msg, err := w.connect(1, []byte(where))
	if op, id, _, _ := wire.ParseHead(msg); op != wire.OpDial || id != wispLast || err != nil {
		t.Errorf("the last stream: op %d for %d, %v, want dial for %d", op, id, err, wispLast)
	}
	said := make(chan string, 1)
	go func() {
		b := make([]byte, 64)
		n, _ := theirs.Read(b)
		said <- string(b[:n])
	}()
	msg, err = w.connect(2, []byte(where))
	if string(msg) != string(wispNothing) || err != nil {
		t.Errorf("one more: %q, %v, want nothing", msg, err)
	}
	if got, want := <-said, "\x82\x06\x04\x02\x00\x00\x00\x49"; got != want {
		t.Errorf("one more is answered with %q, want %q", got, want)
	}
}

// What a client sends before it can know that its stream has ended is no fault of its.
func TestHungUp(t *testing.T) {
	s := newSession(&Bridge{}, nil, newScript())
	st := newStream(s, 1, wire.Dial{})
	if !st.hangUp() {
		t.Error("the stream is over")
	}
	if err := st.handle(wire.OpData, []byte("x")); err != nil || st.in.Len() > 0 {
		t.Errorf("data behind it: %v, and %d bytes are held, want none", err, st.in.Len())
	}
	st.end(wire.ReasonGone)
	if st.hangUp() {
		t.Error("the stream is not over")
	}
}

// Whatever comes is read, or not, and what is read is within it.
func FuzzWispPacket(f *testing.F) {
	for _, s := range []string{
		"", "\x01\x01\x00\x00\x00\x01\x50\x00localhost", "\x01\x01\x00\x00\x00\x02\x50\x00x", "\x02\x01\x00\x00\x00data",
		"\x04\x01\x00\x00\x00\x02", "\x05\x00\x00\x00\x00\x02\x00\x02\x05\x00\x00\x00\x01abcd", "\x05\x00\x00\x00\x00\x02\x00\x02\xff\xff\xff\xff",
		"\x05\x00\x00\x00\x00\x02\x00\x02\x06\x00\x00\x00\x01\x02\x00abc\x05\x00\x00\x00\x00",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		kind, id, body, err := parseWispHead(p)
		if (err != nil) != (len(p) < wispHead) {
			t.Fatalf("%d bytes: %v", len(p), err)
		}
		if err != nil {
			return
		}
		again := wispFrame(kind, id, body...)
		if _, n := parseHead(again); string(again[n:]) != string(p) {
			t.Errorf("%q is written %q", p, again[n:])
		}
		if host, port, ok := parseWispConnect(body); ok && (host == "" || port == 0 || string(body[3:]) != host) {
			t.Errorf("to %q:%d", host, port)
		}
		for id, b := range parseWispInfo(body) {
			user, password, ok := parseWispPassword(b)
			if n := len(user) + len(password); ok && n != len(b)-1 && n != len(b)-3 {
				t.Errorf("extension %d: %q has %q and %q", id, b, user, password)
			}
		}
	})
}
