package capture_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"porthole/web/capture"
	"porthole/wire"
)

// renumbered is a capture as it comes back.
func renumbered(all []capture.Row) []capture.Row {
	all = slices.Clone(all)
	seq := uint64(0)
	for i, r := range all {
		if r.Event != nil {
			seq++
			e := *r.Event
			e.Seq = seq
			all[i].Event = &e
		}
	}
	return all
}

func TestCompactComesBack(t *testing.T) {
	extremes := full()
	extremes.Start, extremes.Return, extremes.From, extremes.To = 0, 1<<63-1, 1<<64-4, 1<<64-1
	extremes.Conn, extremes.Kernel = 1<<64-1, wire.Kernel{Unsent: 1<<64 - 1, RTT: 1 << 63}
	extremes.Local = "\xff\x00"
	long := full()
	long.To, long.Data = long.From+5000, bytes.Repeat([]byte{7}, wire.MaxCopy)
	lists := map[string][]capture.Row{
		"empty":    nil,
		"extremes": slices.Collect(rows(extremes, full(), extremes, long, wire.Event{Kind: wire.Close, Side: wire.Server})),
		"a gap":    {{Lost: 1<<64 - 1}},
	}
	for _, name := range captures {
		lists[name] = read(t, name)
	}
	for k := wire.Listening; k.String() != "unknown"; k++ {
		lists[k.String()] = slices.Collect(rows(wire.Event{Kind: k, Side: wire.Client}))
	}
	for name, all := range lists {
		b := capture.AppendCompact(nil, slices.Values(all))
		got, err := capture.ParseCompact(b)
		if err != nil || !same(t, got, renumbered(all)) {
			t.Errorf("%s: %v, got\n%swant\n%s", name, err,
				capture.AppendNDJSON(nil, slices.Values(got)), capture.AppendNDJSON(nil, slices.Values(all)))
		}
		if again := capture.AppendCompact(nil, slices.Values(got)); !bytes.Equal(again, b) {
			t.Errorf("%s: equal rows make other bytes", name)
		}
	}
}

// The bytes are the format: links that are out there hold them.
func TestCompactBytes(t *testing.T) {
	all := slices.Collect(rows(
		wire.Event{Start: 98, Return: 100, Kind: wire.CallWrite, Side: wire.Client, Conn: 1, Local: "a", Remote: "b", To: 2, Data: []byte("hi")},
		wire.Event{Start: 101, Return: 103, Kind: wire.Data, Side: wire.Server, Conn: 1, Local: "b", Remote: "a", To: 2, Data: []byte("h"),
			Code: "E", Host: "a", HadError: true, Approx: true, Kernel: wire.Kernel{State: 1, Unsent: 2, Unread: 3, RTT: 4, Cwnd: 5, Retransmits: 6}},
	))
	all = append(all, capture.Row{Lost: 7})
	const want = "01" + "03 02 02 02 02 01 01 01 01 01 01 01 05 03 02 02 02 07 06" + // version, lengths
		"0e0800 013f 0001 0000 0001 02 04 06 08 0a 0c 07" + // heads flags sockets from missing, kernel, lost
		"0101020201 c80106 0202 0102 0101 01020201030001 616268696845"
	got := capture.AppendCompact([]byte{}, slices.Values(all))
	if text := hex.EncodeToString(got); text != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got  %s\nwant %s", text, strings.ReplaceAll(want, " ", ""))
	}
}

func TestCompactErrors(t *testing.T) {
	good := capture.AppendCompact(nil, slices.Values(read(t, "gaps")))
	for n := range good {
		_, err := capture.ParseCompact(good[:n])
		if _, ok := errors.AsType[*capture.Error](err); !ok {
			t.Errorf("%d of %d bytes: %v", n, len(good), err)
		}
	}
	tests := []struct {
		name string
		b    []byte
		line int
		want string
	}{
		{"empty", nil, 0, "not a compact capture of version 1"},
		{"another version", append([]byte{2}, good[1:]...), 0, "not a compact capture of version 1"},
		{"more", append(slices.Clone(good), 0), 0, "something stands behind its end"},
		{"no kind", capture.AppendCompact(nil, rows(full(), wire.Event{Side: wire.Client})), 2, "no event is named"},
		{"unknown kind", capture.AppendCompact(nil, rows(wire.Event{Kind: 200, Side: wire.Client})), 1, "the event is unknown"},
		{"no side", capture.AppendCompact(nil, rows(wire.Event{Kind: wire.Data})), 1, "the side is neither client nor server"},
		{"range", capture.AppendCompact(nil, rows(wire.Event{Kind: wire.Data, Side: wire.Client, From: 2, To: 1})), 1, "to is before from"},
		{"times", capture.AppendCompact(nil, rows(wire.Event{Kind: wire.Data, Side: wire.Client, Start: 2, Return: 1})), 1, "return is before start"},
		{"before 1970", capture.AppendCompact(nil, rows(wire.Event{Kind: wire.Data, Side: wire.Client, Start: -2, Return: 1})), 1, "start is before 1970"},
		{"data", capture.AppendCompact(nil, rows(wire.Event{Kind: wire.Data, Side: wire.Client, Data: []byte("x")})), 1, "data is below nothing"},
		{"state", capture.AppendCompact(nil, rows(wire.Event{Kind: wire.Data, Side: wire.Client, Kernel: wire.Kernel{State: 99}})), 1,
			"the kernel's state is unknown"},
	}
	for _, tt := range tests {
		rows, err := capture.ParseCompact(tt.b)
		e, ok := errors.AsType[*capture.Error](err)
		if !ok || e.Line != tt.line || e.Reason != tt.want || len(rows) != max(0, tt.line-1) {
			t.Errorf("%s: %d rows, %v; want line %d: %s", tt.name, len(rows), err, tt.line, tt.want)
		}
	}
}

func TestCompactIsBounded(t *testing.T) {
	b := capture.AppendCompact(nil, func(yield func(capture.Row) bool) {
		for range capture.MaxRows + 1 {
			yield(capture.Row{Lost: 1})
		}
	})
	rows, err := capture.ParseCompact(b)
	if _, ok := errors.AsType[*capture.Error](err); !ok || len(rows) != capture.MaxRows {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

// A greeting fits a link: 30 events, kernels included, in 700 characters.
func TestCompactFitsALink(t *testing.T) {
	b := capture.AppendCompact(nil, slices.Values(read(t, "greeting")[:30]))
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, 6) // as browsers do
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	chars := base64.RawURLEncoding.EncodedLen(deflated.Len())
	t.Logf("%d bytes, %d deflated, %d characters", len(b), deflated.Len(), chars)
	if chars > 700 {
		t.Errorf("%d characters, want at most 700", chars)
	}
}

func FuzzCompact(f *testing.F) {
	for _, name := range captures {
		f.Add(capture.AppendCompact(nil, slices.Values(read(f, name))))
	}
	f.Add(capture.AppendCompact(nil, rows(full(), full())))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := capture.ParseCompact(b)
		again, errAgain := capture.ParseCompact(capture.AppendCompact(nil, slices.Values(all)))
		if errAgain != nil || !same(t, again, all) {
			t.Errorf("%v, then %v; got\n%swant\n%s", err, errAgain,
				capture.AppendNDJSON(nil, slices.Values(again)), capture.AppendNDJSON(nil, slices.Values(all)))
		}
	})
}

func BenchmarkCompact(b *testing.B) {
	all := read(b, "greeting")
	for b.Loop() {
		if _, err := capture.ParseCompact(capture.AppendCompact(nil, slices.Values(all))); err != nil {
			b.Fatal(err)
		}
	}
}
