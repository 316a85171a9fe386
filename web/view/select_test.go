package view_test

import (
	"math"
	"reflect"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

// moved is an event that moved the bytes [from,to).
func moved(e wire.Event, from, to uint64) wire.Event {
	e.From, e.To = from, to
	return e
}

func TestTravel(t *testing.T) {
	v := &view.View{}
	ids := map[string]uint64{}
	for i, e := range []struct {
		name string
		wire.Event
	}{
		{"connect", ours(wire.Connect, 1, 10)}, {"connection", theirs(wire.Connection, 1, 11)},
		{"w1", moved(ours(wire.CallWrite, 1, 20), 0, 3)}, {"w2", moved(ours(wire.CallWrite, 1, 21), 3, 6)},
		{"w3", moved(ours(wire.CallWrite, 1, 22), 6, 12)},
		{"r1", moved(theirs(wire.Data, 1, 30), 0, 8)}, {"r2", moved(theirs(wire.Data, 1, 31), 8, 12)},
		{"w4", moved(ours(wire.CallWrite, 1, 32), 12, 13)}, {"r3", moved(theirs(wire.Data, 1, 40), 12, 13)},
		{"w5", moved(ours(wire.CallWrite, 1, 41), 13, 14)},
		{"end()", ours(wire.CallEnd, 1, 50)}, {"end", theirs(wire.End, 1, 51)},
		{"reset()", theirs(wire.CallReset, 1, 60)}, {"error", ours(wire.Error, 1, 61)},
	} {
		v.Store.Add(e.Event)
		ids[e.name] = uint64(i + 1)
	}
	tests := []struct {
		from  string
		reads bool
		want  string
	}{
		{"w1", true, "r1"}, {"w3", true, "r1"}, // its first read
		{"r1", true, "r2"},                       // they share w3
		{"r2", true, "r2"},                       // the next has other bytes
		{"r2", false, "w3"}, {"r1", false, "w3"}, // the last write
		{"w3", false, "w2"}, {"w2", false, "w1"}, {"w1", false, "w1"}, // all of r1
		{"w4", false, "w4"}, // w3 is in no read of w4's
		{"w4", true, "r3"},
		{"w5", true, "w5"}, // not read yet
		{"end()", true, "end"}, {"end", false, "end()"}, {"end()", false, "end()"}, {"end", true, "end"},
		{"reset()", true, "error"}, {"error", false, "reset()"},
		{"connect", true, "connect"},
	}
	for _, tt := range tests {
		if got := v.Travel(ids[tt.from], tt.reads); got != ids[tt.want] {
			t.Errorf("from %s to the reads %v: got %d, want %s, %d", tt.from, tt.reads, got, tt.want, ids[tt.want])
		}
	}
	if got := v.Travel(99, true); got != 99 {
		t.Errorf("from no event to %d", got)
	}
}

func TestStepAndLine(t *testing.T) {
	v := &view.View{}
	if got := v.Step(0, 1); got != 0 {
		t.Errorf("among no lines, a step leads to %d", got)
	}
	v.Store.Add(ours(wire.Connect, 1, 10)) // 1
	for i := range uint64(30) {            // 2 to 31 are one line
		v.Store.Add(moved(ours(wire.CallWrite, 1, int64(20+i)), i, i+1))
	}
	v.Store.Add(ours(wire.Close, 1, 100))  // 32
	v.Store.Add(ours(wire.Timeout, 1, 15)) // 33 is told late
	for _, tt := range []struct {
		id   uint64
		n    int
		want uint64
	}{
		{1, 1, 33}, {33, 1, 2}, {20, 0, 2}, {20, 1, 32}, {20, -1, 33}, {1, -1, 1}, {1, 2, 2},
		{1, math.MaxInt, 32}, {32, math.MinInt, 1}, {0, 1, 32}, {99, -1, 32},
	} {
		if got := v.Step(tt.id, tt.n); got != tt.want {
			t.Errorf("from %d, %d lines on: got %d, want %d", tt.id, tt.n, got, tt.want)
		}
	}
	for id, want := range map[uint64]int{1: 0, 33: 1, 2: 2, 31: 2, 32: 3, 99: 0} {
		if got := v.Line(id); got != want {
			t.Errorf("%d is in line %d, want %d", id, got, want)
		}
	}
	v.Filter(view.Filter{Kind: view.Lifecycle, Hide: true})
	if got := v.Line(20); got != 2 {
		t.Errorf("a hidden event is next to line %d, want 2", got)
	}
	if got := v.Step(20, 0); got != 32 {
		t.Errorf("next to a hidden event is %d, want 32", got)
	}
}

// A selection lasts: when the filter is cleared, and when the view is frozen.
// It goes when its event does.
func TestSelect(t *testing.T) {
	v := &view.View{}
	v.Store.Add(ours(wire.Connect, 1, 10))
	v.Store.Add(moved(ours(wire.CallWrite, 1, 20), 0, 3))
	selected := func() uint64 { return uint64(unpack(t, v.Frame(nil, 0, 10)).Selected) }
	v.Select(2)
	v.Filter(view.Filter{Text: "connect", Hide: true})
	if got := selected(); got != 2 {
		t.Errorf("behind a filter %d is selected", got)
	}
	v.Filter(view.Filter{})
	v.Freeze(true)
	if got := selected(); got != 2 {
		t.Errorf("behind no filter %d is selected", got)
	}
	v.Freeze(false)
	v.Select(77)
	if got := selected(); got != 0 {
		t.Errorf("%d is selected, and is not there", got)
	}
	v.Select(1)
	for i := range 2 * view.MaxRows {
		v.Store.Add(theirs(wire.Timeout, 9, int64(100+i)))
	}
	if got := selected(); got != 0 {
		t.Errorf("%d is selected, and is dropped", got)
	}
}

// What is opened stays so while its burst grows.
func TestToggle(t *testing.T) {
	v := &view.View{}
	next := uint64(0)
	write := func(n int) {
		for range n {
			v.Store.Add(moved(ours(wire.CallWrite, 1, int64(next+1)*1000), next, next+1))
			next++
		}
	}
	total := func() int { return int(unpack(t, v.Frame(nil, 0, 0)).Total) }
	write(10)
	v.Toggle(3) // nothing is folded: there is nothing to open
	write(20)
	if got := total(); got != 1 {
		t.Errorf("30 writes are %d lines, want 1", got)
	}
	v.Toggle(3)
	write(30)
	if got := total(); got != 60 {
		t.Errorf("60 writes are %d lines when opened", got)
	}
	v.Toggle(55)
	write(5)
	if got := total(); got != 1 {
		t.Errorf("65 writes are %d lines when closed again, want 1", got)
	}
	v.Toggle(99)
}

// The whole of a run of 10,000 is bursts of at most 4096.
func TestLongRun(t *testing.T) {
	v := &view.View{}
	for i := range uint64(10_000) {
		v.Store.Add(moved(ours(wire.CallWrite, 1, int64(i+1)*1000), i, i+1))
		if i%333 == 0 {
			v.Frame(nil, all, 10)
		}
	}
	f := unpack(t, v.Frame(nil, 0, 10))
	if len(f.Lines) != 3 || f.Lines[0].Times != 4096 || f.Lines[1].Times != 4096 || f.Lines[2].Times != 10_000-2*4096 {
		t.Errorf("got %+v", f.Lines)
	}
}

// However a burst grows, its lines are those of the whole.
func TestGrowingBurst(t *testing.T) {
	v := &view.View{}
	v.Store.Add(ours(wire.Connect, 1, 10))
	v.Store.Add(theirs(wire.Connection, 1, 11))
	for i := range uint64(60) {
		at := int64(100 + 10*i)
		v.Store.Add(moved(ours(wire.CallWrite, 1, at), i, i+1))
		v.Frame(nil, 0, 10)
		if i > 5 && i%2 == 0 {
			v.Store.Add(moved(theirs(wire.Data, 1, at+1), (i-6)/2, (i-6)/2+1))
		}
		v.Frame(nil, all, 10)
		if i == 45 {
			v.Toggle(10)
		}
		got := unpack(t, v.Frame(nil, 0, all))
		v.Relay()
		if want := unpack(t, v.Frame(nil, 0, all)); !reflect.DeepEqual(got, want) {
			t.Fatalf("at write %d: piece by piece\n%s\nat once\n%s", i, render(&got), render(&want))
		}
		v.Store.Add(moved(theirs(wire.CallWrite, 1, at+2), i, i+1)) // and it goes on from there
	}
}
