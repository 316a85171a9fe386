package wire_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"porthole/wire"
)

func count(n uint64) *wire.Count {
	c := wire.Count(n)
	return &c
}

// messages are all that porthole.v1 knows, and the bytes that they are. The
// bytes are the protocol: they never change.
var messages = []struct {
	name string
	op   wire.Op
	id   uint64
	body wire.Body // nil: a head alone
	hex  string
}{
	{"data", wire.OpData, 1, nil, "01 01"},
	{"fin", wire.OpFin, 3, nil, "02 03"},
	{"credit", wire.OpCredit, 1, count(262144), "03 01 808010"},
	{"wrote", wire.OpWrote, 1, count(300), "04 01 ac02"},
	{"reset", wire.OpReset, 1, nil, "05 01"},
	{"close", wire.OpClose, 1, count(0), "06 01 00"},
	{"finished", wire.OpFinished, 1, nil, "07 01"},
	{"error", wire.OpError, 129,
		&wire.Failure{Phase: wire.PhaseRead, Code: "ECONNRESET", Errno: 104, Syscall: "read", Conn: 2},
		"08 8101 05 0a 45434f4e4e5245534554 68 04 72656164 00 00 00 02"},
	{"closed", wire.OpClosed, 1, &wire.Closed{Reason: wire.ReasonError}, "09 01 05"},
	{"hello", wire.OpHello, 0,
		&wire.Hello{Window: 262144, Message: 65536, Streams: 16, Copy: 1024, Targets: []string{"localhost:1234", "/s"}, Offers: []string{"events"}},
		"10 00 808010 808004 10 8008 02 0e 6c6f63616c686f73743a31323334 02 2f73 01 06 6576656e7473"},
	{"resolve", wire.OpResolve, 5, &wire.Resolve{Host: "localhost", Family: 4}, "11 05 09 6c6f63616c686f7374 04"},
	{"resolved", wire.OpResolved, 5, &wire.Resolved{Addresses: []string{"::1", "127.0.0.1"}}, "12 05 02 03 3a3a31 09 3132372e302e302e31"},
	{"dial", wire.OpDial, 7,
		&wire.Dial{Host: "h", Address: "::1", Port: 1234, Local: "::", LocalPort: 5, Window: 16, Options: []wire.Option{{Name: wire.OptionNoDelay, Value: 1}, {Name: wire.OptionKeepAlive, Value: 30000}}},
		"13 07 01 68 03 3a3a31 d209 02 3a3a 05 10 02 01 01 02 b0ea01"},
	{"listen", wire.OpListen, 9, &wire.Listen{Host: "::1", Port: 80, Family: 6}, "20 09 03 3a3a31 50 06"},
	{"listening", wire.OpListening, 9, &wire.Listener{Local: "1.2.3.4:5"}, "21 09 09 312e322e332e343a35"},
	{"accepted", wire.OpAccepted, 2, &wire.Accepted{Listener: 9, Conn: 3, Local: "/a", Remote: "/b"}, "22 02 09 03 02 2f61 02 2f62"},
	{"unlisten", wire.OpUnlisten, 9, nil, "23 09"},
	{"unlistened", wire.OpUnlistened, 9, nil, "24 09"},
	{"connected", wire.OpConnected, 7, &wire.Connected{Conn: 9, Local: "127.0.0.1:5", Remote: "/s"}, "14 07 09 0b 3132372e302e302e313a35 02 2f73"},
	{"failed", wire.OpFailed, 7,
		&wire.Failure{Phase: wire.PhaseDial, Code: "ECONNREFUSED", Errno: 111, Syscall: "connect", Address: "::1", Port: 1, Millis: 128, Conn: 3},
		"15 07 03 0c 45434f4e4e52454655534544 6f 07 636f6e6e656374 03 3a3a31 01 8001 03"},
	{"option", wire.OpOption, 7, &wire.Option{Name: wire.OptionNoDelay, Value: 0}, "16 07 01 00"},
	{"observe", wire.OpObserve, 0, &wire.Observe{Sample: 200}, "30 00 c801"},
	{"lab", wire.OpLab, 7, &wire.Lab{Verb: wire.LabLimit, Value: 300}, "33 07 03 ac02"},
	{"kernel", wire.OpKernel, 7,
		&wire.Kernels{Client: wire.Kernel{State: 1, Unsent: 300, RTT: 4, Cwnd: 10}, Server: wire.Kernel{State: 8, Unread: 128, Retransmits: 1}},
		"34 07 01 ac02 00 04 0a 00 08 00 8001 00 00 01"},
	{"lost", wire.OpLost, 0, count(1 << 63), "32 00 80808080808080808001"},
}

func golden(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// empty is a new body of the same type.
func empty(body wire.Body) wire.Body {
	return reflect.New(reflect.TypeOf(body).Elem()).Interface().(wire.Body)
}

func TestMessages(t *testing.T) {
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			want := golden(t, m.hex)
			got := wire.Append([]byte("before"), m.op, m.id, m.body)
			if got, ok := bytes.CutPrefix(got, []byte("before")); !ok || !bytes.Equal(got, want) {
				t.Errorf("Append: %x, want %x", got, want)
			}
			op, id, rest, err := wire.ParseHead(want)
			if op != m.op || id != m.id || err != nil {
				t.Fatalf("ParseHead: %d, %d, %v; want %d, %d", op, id, err, m.op, m.id)
			}
			if m.body == nil {
				if len(rest) > 0 {
					t.Errorf("%x is left over", rest)
				}
				return
			}
			body := empty(m.body)
			if err := wire.Parse(rest, body); err != nil || !reflect.DeepEqual(body, m.body) {
				t.Errorf("Parse: %+v, %v; want %+v", body, err, m.body)
			}
		})
	}
}

// Fields that a newer peer adds are skipped.
func TestUnknownFieldsAreSkipped(t *testing.T) {
	for _, m := range messages {
		if m.body == nil {
			continue
		}
		_, _, rest, err := wire.ParseHead(append(golden(t, m.hex), "more"...))
		if err != nil {
			t.Fatal(err)
		}
		body := empty(m.body)
		if err := wire.Parse(rest, body); err != nil || !reflect.DeepEqual(body, m.body) {
			t.Errorf("%s: %+v, %v; want %+v", m.name, body, err, m.body)
		}
	}
}

func TestTruncatedMessagesAreErrors(t *testing.T) {
	for _, m := range messages {
		whole := golden(t, m.hex)
		for n := range whole {
			_, _, rest, err := wire.ParseHead(whole[:n])
			if err == nil && m.body != nil {
				err = wire.Parse(rest, empty(m.body))
			}
			if !errors.Is(err, wire.ErrShort) && !errors.Is(err, wire.ErrList) {
				t.Errorf("%s: %d of %d bytes: %v", m.name, n, len(whole), err)
			}
		}
	}
}

func TestZeroBodiesComeBack(t *testing.T) {
	for _, m := range messages {
		if m.body == nil {
			continue
		}
		b := wire.Append(nil, m.op, 0, empty(m.body))
		_, _, rest, err := wire.ParseHead(b)
		if err != nil {
			t.Fatal(err)
		}
		body := empty(m.body)
		if err := wire.Parse(rest, body); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
		if again := wire.Append(nil, m.op, 0, body); !bytes.Equal(again, b) {
			t.Errorf("%s: %x, want %x", m.name, again, b)
		}
	}
}

func TestHostileNumbers(t *testing.T) {
	tests := []struct {
		name string
		body wire.Body
		hex  string
		want error
	}{
		{"list longer than message", &wire.Resolved{}, "05 01 61", wire.ErrList},
		{"list of 2^62", &wire.Resolved{}, "808080808080808040", wire.ErrList},
		{"string of 2^63", &wire.Resolve{}, "80808080808080808001", wire.ErrList},
		{"number beyond 64 bits", count(0), "ffffffffffffffffff7f", wire.ErrShort},
		{"number without end", count(0), "8080", wire.ErrShort},
		{"reason beyond 8 bits", &wire.Closed{}, "8002", wire.ErrShort},
		{"verb beyond 8 bits", &wire.Lab{}, "8002 00", wire.ErrShort},
		{"options beyond the end", &wire.Dial{}, "00 00 00 00 00 00 03 01 01", wire.ErrList},
	}
	for _, tt := range tests {
		if err := wire.Parse(golden(t, tt.hex), tt.body); err != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, _, _, err := wire.ParseHead(golden(t, "01 ffffffffffffffffff7f")); err != wire.ErrShort {
		t.Errorf("id beyond 64 bits: %v, want %v", err, wire.ErrShort)
	}
}

// A length costs what the message could hold, whatever the length says.
func TestHostileLengthsAllocateLittle(t *testing.T) {
	const perByte = 16 // a string, or an option, for each byte that is there
	tests := []struct {
		body   wire.Body
		before int // zero fields in front of the first list
	}{{&wire.Resolved{}, 0}, {&wire.Hello{}, 4}, {&wire.Dial{}, 4}}
	for _, tt := range tests {
		message := make([]byte, tt.before)
		message = binary.AppendUvarint(message, 60000)
		message = append(message, bytes.Repeat([]byte{0xff}, 60000)...) // no number ends
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := wire.Parse(message, tt.body)
		runtime.ReadMemStats(&after)
		if err != wire.ErrShort {
			t.Errorf("%T: %v, want %v", tt.body, err, wire.ErrShort)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 2*perByte*wire.MaxMessage {
			t.Errorf("%T: %d bytes allocated for a message of %d", tt.body, got, len(message))
		}
	}
}

func TestPhasesReasonsAndVerbsHaveNames(t *testing.T) {
	names := make(map[string]bool)
	add := func(name string) {
		if name == "" || name == "unknown" || names[name] {
			t.Errorf("%q is no name of its own", name)
		}
		names[name] = true
	}
	for p := wire.PhasePolicy; p <= wire.PhaseWrite; p++ {
		add(p.String())
	}
	clear(names)
	for r := wire.ReasonEnded; r <= wire.ReasonGone; r++ {
		add(r.String())
	}
	clear(names)
	for v := wire.LabPause; v <= wire.LabListen; v++ {
		add(v.String())
	}
	if got := (wire.LabListen + 1).String(); got != "unknown" {
		t.Errorf("the verb behind the last is %q", got)
	}
	if got := wire.Reason(200).String(); got != "unknown" {
		t.Errorf("a newer peer's reason is %q", got)
	}
}

func FuzzMessage(f *testing.F) {
	bodies := make(map[wire.Op]wire.Body)
	for _, m := range messages {
		bodies[m.op] = m.body
		f.Add(golden(f, m.hex))
		f.Add(golden(f, m.hex+" ff"))
	}
	f.Add(golden(f, "12 05 ffffffffffffffffff01"))
	f.Fuzz(func(t *testing.T, message []byte) {
		op, id, rest, err := wire.ParseHead(message)
		if err != nil || bodies[op] == nil {
			return
		}
		body := empty(bodies[op])
		if wire.Parse(rest, body) != nil {
			return
		}
		// What was read is written as it is read again.
		b := wire.Append(nil, op, id, body)
		op2, id2, rest, err := wire.ParseHead(b)
		if err != nil || op2 != op || id2 != id {
			t.Fatalf("ParseHead(%x): %d, %d, %v; want %d, %d", b, op2, id2, err, op, id)
		}
		again := empty(body)
		if err := wire.Parse(rest, again); err != nil || !reflect.DeepEqual(again, body) {
			t.Fatalf("Parse(%x): %+v, %v; want %+v", rest, again, err, body)
		}
	})
}
