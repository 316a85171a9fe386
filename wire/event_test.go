package wire_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"porthole/wire"
)

// full has something in every field.
func full() wire.Event {
	return wire.Event{
		Seq: 7, Start: 1_700_000_000_000_000_000, Return: 1_700_000_000_000_001_000, Kind: wire.Data, Side: wire.Server,
		Conn: 2, Local: "127.0.0.1:1234", Remote: "[::1]:5", From: 9, To: 12, Data: []byte("哇"),
		Code: "ECONNRESET", Syscall: "read", HadError: true, Host: "localhost",
		Kernel: wire.Kernel{State: 1, Unsent: 2, Unread: 3, RTT: 4, Cwnd: 5, Retransmits: 6}, Approx: true,
	}
}

func parseEvents(t *testing.T, b []byte) (events []wire.Event) {
	t.Helper()
	if err := wire.ParseEvents(b, func(e wire.Event) { events = append(events, e) }); err != nil {
		t.Fatal(err)
	}
	return events
}

func TestEventBytes(t *testing.T) {
	e := full()
	const want = "4e" + // length
		"07 8080a8b1e39fe7cb17 e807 07 02 02" + // seq start took kind side conn
		"0e 3132372e302e302e313a31323334 07 5b3a3a315d3a35" + // local remote
		"09 0c 03 e59387" + // from to data
		"0a 45434f4e4e5245534554 04 72656164 01 09 6c6f63616c686f7374" + // code syscall hadError host
		"01 02 03 04 05 06 01" // kernel approx
	if got := wire.AppendEvent(nil, &e); !bytes.Equal(got, golden(t, want)) {
		t.Errorf("got %x\nwant %s", got, strings.ReplaceAll(want, " ", ""))
	}
}

func TestEventsComeBack(t *testing.T) {
	zero, whole, short, long, longer := wire.Event{}, full(), full(), full(), full()
	short.Host = ""
	long.Host = strings.Repeat("h", 300)
	longer.Host = strings.Repeat("h", 20000) // its length takes three bytes
	want := []wire.Event{zero, whole, short, long, longer, whole}
	var b []byte
	for i := range want {
		b = wire.AppendEvent(b, &want[i])
	}
	got := parseEvents(t, b)
	want[0].Data = []byte{} // what is read is empty, never nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestEveryKindComesBack(t *testing.T) {
	for k := wire.Listening; k <= wire.CallClose; k++ {
		for _, side := range []wire.Side{wire.Client, wire.Server} {
			e := full()
			e.Kind, e.Side = k, side
			if got := parseEvents(t, wire.AppendEvent(nil, &e)); !reflect.DeepEqual(got, []wire.Event{e}) {
				t.Errorf("%v: got %+v\nwant %+v", k, got, e)
			}
		}
	}
}

func TestNewerEventFieldsAreSkipped(t *testing.T) {
	e := full()
	b := wire.AppendEvent(nil, &e)
	b[0] += 3
	b = append(b, 1, 2, 3)
	b = wire.AppendEvent(b, &e)
	if got := parseEvents(t, b); !reflect.DeepEqual(got, []wire.Event{e, e}) {
		t.Errorf("got %+v", got)
	}
}

func TestTruncatedEventsAreErrors(t *testing.T) {
	e := full()
	whole := wire.AppendEvent(nil, &e)
	for n := range whole {
		if n == 0 {
			continue // no events is a whole message
		}
		if err := wire.ParseEvents(whole[:n], func(wire.Event) { t.Error("an event") }); err == nil {
			t.Errorf("%d of %d bytes: no error", n, len(whole))
		}
		cut := append([]byte{byte(n - 1)}, whole[1:n]...) // its length fits, its fields end early
		if err := wire.ParseEvents(cut, func(wire.Event) { t.Error("an event") }); err == nil {
			t.Errorf("%d bytes of fields: no error", n-1)
		}
	}
}

func TestEventJSON(t *testing.T) {
	tests := []struct {
		name  string
		event wire.Event
		want  string
	}{
		{"listening", wire.Event{Seq: 1, Start: 5, Return: 5, Kind: wire.Listening, Side: wire.Server, Local: "/s"},
			`{"seq":1,"start":5,"return":5,"event":"listening","side":"server","local":"/s"}`},
		{"full", full(), `{"seq":7,"start":1700000000000000000,"return":1700000000000001000,"event":"data","side":"server","conn":2,` +
			`"local":"127.0.0.1:1234","remote":"[::1]:5","from":9,"to":12,"data":"5ZOH","code":"ECONNRESET","syscall":"read","hadError":true,` +
			`"host":"localhost","kernel":{"state":"ESTABLISHED","unsent":2,"unread":3,"rtt":4,"cwnd":5,"retransmits":6},"approx":true}`},
	}
	for _, tt := range tests {
		text, err := json.Marshal(tt.event)
		if err != nil || string(text) != tt.want {
			t.Errorf("%s: %s, %v\nwant %s", tt.name, text, err, tt.want)
		}
		var got wire.Event
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, tt.event) {
			t.Errorf("%s: %+v, %v\nwant %+v", tt.name, got, err, tt.event)
		}
	}
}

func TestNames(t *testing.T) {
	names := make(map[string]bool)
	for k := wire.Listening; k <= wire.CallClose; k++ {
		name := k.String()
		if name == "" || name == "unknown" || names[name] {
			t.Errorf("kind %d has %q, which is no name of its own", k, name)
		}
		names[name] = true
		if call := strings.HasSuffix(name, "()"); call != k.Call() {
			t.Errorf("%s: Call is %v", name, k.Call())
		}
		var got wire.Kind
		if err := got.UnmarshalText([]byte(name)); err != nil || got != k {
			t.Errorf("%q is %d, %v; want %d", name, got, err, k)
		}
	}
	if got := (wire.CallClose + 1).String(); got != "unknown" {
		t.Errorf("the kind behind the last is %q", got)
	}
	var k wire.Kind
	if err := k.UnmarshalText([]byte("nonsense")); err != wire.ErrName {
		t.Errorf("nonsense: %v, want %v", err, wire.ErrName)
	}
	var s wire.State
	if err := s.UnmarshalText([]byte("close_wait")); err != nil || s != 8 {
		t.Errorf("close_wait is %d, %v; want 8", s, err)
	}
}

func TestEventTells(t *testing.T) {
	e := full()
	if got, want := e.At(), e.Return; got != want {
		t.Errorf("data is at %d, want its return %d", got, want)
	}
	if got := e.Bytes(); got != 3 {
		t.Errorf("%d bytes, want 3", got)
	}
	if e.Listener() {
		t.Error("a connection's event is a listener's")
	}
	e.Kind, e.Conn = wire.CallWrite, 0
	if got, want := e.At(), e.Start; got != want {
		t.Errorf("write() is at %d, want its start %d", got, want)
	}
	if !e.Listener() {
		t.Error("a server's event without a connection is not its listener's")
	}
}

func FuzzEvents(f *testing.F) {
	e := full()
	f.Add(wire.AppendEvent(nil, &wire.Event{}))
	f.Add(wire.AppendEvent(wire.AppendEvent(nil, &e), &e))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		var events []wire.Event
		if wire.ParseEvents(b, func(e wire.Event) { events = append(events, e) }) != nil {
			return
		}
		var again []byte
		for i := range events {
			again = wire.AppendEvent(again, &events[i])
		}
		if got := parseEvents(t, again); !reflect.DeepEqual(got, events) {
			t.Errorf("got %+v\nwant %+v", got, events)
		}
	})
}

func BenchmarkAppendEvent(b *testing.B) {
	e := full()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = wire.AppendEvent(buf[:0], &e)
	}
}
