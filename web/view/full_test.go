package view_test

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

// When all is full and the oldest go, frame by frame, the lines are still those
// of all rows laid out at once, and every event is in one of them.
func TestFull(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	v := &view.View{}
	var e wire.Event
	for i := range view.MaxRows * 5 / 4 {
		traffic(&e, i)
		if rnd.IntN(20_000) == 0 {
			e.Kind, e.From, e.To = wire.Timeout, 0, 0 // a burst is over
		}
		if rnd.IntN(50_000) == 0 {
			e.Conn = 77
		}
		v.Store.Add(e)
		if i > view.MaxRows-10_000 && i%333 == 0 {
			v.Frame(nil, rnd.IntN(100), 20)
		}
		if i > view.MaxRows && rnd.IntN(3000) == 0 {
			before := unpack(t, v.Frame(nil, 0, all))
			v.Relay()
			after := unpack(t, v.Frame(nil, 0, all))
			if len(before.Lines) != len(after.Lines) || !reflect.DeepEqual(before.Lines, after.Lines) {
				t.Fatalf("at event %d: %d lines piece by piece, %d at once\n%+v\n%+v", i, len(before.Lines), len(after.Lines),
					before.Lines[:5], after.Lines[:5])
			}
			if !reflect.DeepEqual(before.Arrows, after.Arrows) || !reflect.DeepEqual(before.Lives, after.Lives) {
				t.Fatalf("at event %d:\n%+v\n%+v\n%+v\n%+v", i, before.Arrows, after.Arrows, before.Lives, after.Lives)
			}
			kept := 0
			for _, l := range before.Lines {
				kept += int(l.Times)
			}
			if kept != v.Store.Len() || int(before.Dropped)+kept != i+1 {
				t.Fatalf("at event %d: %v dropped, %d in lines, %d kept", i, before.Dropped, kept, v.Store.Len())
			}
		}
	}
	if v.Store.DroppedBytes == 0 {
		t.Error("no bytes were dropped")
	}
}

// Events from a clock that is far behind come late, all of them.
func TestClockFarBehind(t *testing.T) {
	v := &view.View{}
	var e wire.Event
	for i := range 20_000 {
		traffic(&e, i)
		if e.Side == wire.Server {
			e.Start -= 200_000_000
			e.Return -= 200_000_000
		}
		v.Store.Add(e)
		if i%333 == 0 {
			v.Frame(nil, all, 60)
		}
	}
	got := unpack(t, v.Frame(nil, 0, all))
	v.Relay()
	if want := unpack(t, v.Frame(nil, 0, all)); !reflect.DeepEqual(got, want) {
		t.Error("piece by piece is not as at once")
	}
}

// Of arrows that are too many some are drawn, from above the window to below it,
// and the same when it moves on a little.
func TestArrowsAreSampled(t *testing.T) {
	v := stalled(50_000)
	frame := func(first int) frame { return unpack(t, v.Frame(nil, first, 60)) }
	f := frame(40_000)
	if len(f.Arrows) < view.MaxArrows/4 || len(f.Arrows) > view.MaxArrows {
		t.Fatalf("%d arrows", len(f.Arrows))
	}
	if a := f.Arrows[0]; a.From > 4_000 {
		t.Errorf("the first is from %v", a.From)
	}
	is := map[arrow]bool{}
	for _, a := range f.Arrows {
		is[a] = true
	}
	kept := 0
	for _, a := range frame(40_010).Arrows {
		if is[a] {
			kept++
		}
	}
	if kept < len(f.Arrows)*9/10 {
		t.Errorf("of %d arrows %d stay when the window moves", len(f.Arrows), kept)
	}
	// So it is when the window has passed the first reads.
	is = map[arrow]bool{}
	for _, a := range unpack(t, v.Frame(nil, 50_005, 1)).Arrows {
		is[a] = true
	}
	for _, a := range unpack(t, v.Frame(nil, 50_006, 1)).Arrows {
		if !is[a] && a.To != 50_006.5 {
			t.Fatalf("%+v is there one line further, and not before", a)
		}
	}
	// What is selected is among them.
	v.Select(30_003)
	group := 0
	for _, a := range frame(40_000).Arrows {
		if a.Group {
			group++
		}
	}
	if group == 0 {
		t.Error("the selected write's arrow is left out")
	}
}

// No event, and no frame, costs memory when all is full.
func TestNothingIsAllocated(t *testing.T) {
	v, i := full()
	var e wire.Event
	buf := v.Frame(nil, all, 60)
	if got := testing.AllocsPerRun(20, func() {
		for range 333 {
			traffic(&e, i)
			v.Store.Add(e)
			i++
		}
		buf = v.Frame(buf[:0], all, 60)
	}); got >= 1 {
		t.Errorf("%v allocations for 333 events and a frame", got)
	}
}

func TestArena(t *testing.T) {
	v := &view.View{}
	data := make([]byte, wire.MaxCopy)
	n := view.MaxData/wire.MaxCopy + 100
	for i := range n {
		data[0], data[1] = byte(i), byte(i>>8)
		e := moved(ours(wire.Data, 1, int64(i+1)*1000), uint64(i)*wire.MaxCopy, uint64(i+1)*wire.MaxCopy)
		e.Data = data[:wire.MaxCopy-i%3]
		v.Store.Add(e)
	}
	i, kept := 0, 0
	for e := range v.Store.Events() {
		if len(e.Data) > 0 {
			if kept++; len(e.Data) != wire.MaxCopy-i%3 || e.Data[0] != byte(i) || e.Data[1] != byte(i>>8) {
				t.Fatalf("event %d has data of another", i)
			}
		} else if kept > 0 {
			t.Fatalf("event %d has no data, and one before it has", i)
		}
		i++
	}
	if i != n || kept < n-110 {
		t.Errorf("%d events of %d, %d with data", i, n, kept)
	}
}
