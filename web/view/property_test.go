package view_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

// life story of some connections, as their two ends tell it: bytes are written
// in pieces and read in others, never before they were written. No two events
// are at one moment.
func story(rnd *rand.Rand, conns, moves int) [][]wire.Event {
	var ends [][]wire.Event
	at := int64(1_000_000)
	tick := func() int64 {
		at += 1 + rnd.Int64N(2_000)
		if rnd.IntN(60) == 0 {
			at += 60_000_000 // and a burst is over
		}
		return at
	}
	type stream struct{ wrote, read uint64 }
	type live struct {
		addr    string
		client  int // of ends; the server's is the next
		streams [2]stream
		over    bool
	}
	var all []*live
	add := func(end int, e wire.Event) { ends[end] = append(ends[end], e) }
	event := func(l *live, side wire.Side, k wire.Kind) wire.Event {
		e := wire.Event{Kind: k, Side: side, Conn: uint64(l.client/2 + 1), Start: tick()}
		e.Return = e.Start
		if k.Call() {
			e.Return += rnd.Int64N(5_000)
		}
		if e.Local, e.Remote = l.addr, there; side == wire.Server {
			e.Local, e.Remote = there, l.addr
		}
		return e
	}
	for range moves {
		if len(all) < conns && rnd.IntN(max(1, moves/conns/4)) == 0 || len(all) == 0 {
			l := &live{addr: fmt.Sprint("127.0.0.1:", 50000+len(all)), client: len(ends)}
			ends = append(ends, nil, nil)
			all = append(all, l)
			lookup := event(l, wire.Client, wire.Lookup)
			lookup.Local, lookup.Remote = "", "127.0.0.1"
			add(l.client, lookup)
			connection := event(l, wire.Server, wire.Connection)
			connect := event(l, wire.Client, wire.Connect)
			connect.Start = connection.Start - 1
			add(l.client, connect)
			add(l.client+1, connection)
		}
		l := all[rnd.IntN(len(all))]
		side := wire.Side(1 + rnd.IntN(2))
		end := l.client + int(side) - 1
		out, in := &l.streams[side-1], &l.streams[2-side]
		switch n := rnd.IntN(40); {
		case l.over:
		case n == 0:
			add(end, event(l, side, []wire.Kind{wire.CallPause, wire.CallResume}[rnd.IntN(2)]))
		case n == 1 && rnd.IntN(3) == 0:
			l.over = true
			add(l.client, event(l, wire.Client, wire.CallEnd))
			add(l.client+1, event(l, wire.Server, wire.End))
			add(l.client, event(l, wire.Client, wire.Close))
			add(l.client+1, event(l, wire.Server, wire.Close))
		case n < 20:
			e := event(l, side, wire.CallWrite)
			e.From = out.wrote
			out.wrote += 1 + rnd.Uint64N(9)
			e.To = out.wrote
			add(end, e)
		case in.read < in.wrote:
			e := event(l, side, wire.Data)
			e.From = in.read
			in.read += 1 + rnd.Uint64N(min(30, in.wrote-in.read))
			e.To = in.read
			add(end, e)
		}
	}
	for i := range ends { // each end tells in the order in which its calls return
		slices.SortStableFunc(ends[i], func(a, b wire.Event) int { return cmp.Compare(a.Return, b.Return) })
	}
	return ends
}

// arrive is one order in which the ends' events come: not far from the true one,
// and each end's own.
func arrive(rnd *rand.Rand, ends [][]wire.Event, late int64) []wire.Event {
	type told struct {
		wire.Event
		at int64
	}
	var all []told
	for _, end := range ends {
		at := int64(0)
		for _, e := range end {
			at = max(at, e.Return+rnd.Int64N(late))
			all = append(all, told{e, at})
		}
	}
	slices.SortStableFunc(all, func(a, b told) int { return cmp.Compare(a.at, b.at) })
	events := make([]wire.Event, len(all))
	for i := range all {
		events[i] = all[i].Event
	}
	return events
}

// same makes the frames of two arrivals comparable: ids and numbers are in the
// order of arrival.
func same(f frame) frame {
	f.Version, f.Fresh, f.Shown, f.Own, f.Client, f.Server, f.Conns = 0, 0, 0, false, end{}, end{}, nil
	for i := range f.Lines {
		f.Lines[i].ID, f.Lines[i].Number = 0, 0
	}
	slices.SortFunc(f.Lives, func(a, b life) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To), cmp.Compare(a.Side, b.Side), cmp.Compare(a.Slot, b.Slot))
	})
	if slices.SortFunc(f.Arrows, byLines); len(f.Arrows) == view.MaxArrows {
		f.Arrows = nil // they are some of more, by number
	}
	return f
}

func byLines(a, b arrow) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) }

func TestArrivalAndFramesDoNotMatter(t *testing.T) {
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		ends := story(rnd, 1+rnd.IntN(6), 50+rnd.IntN(1500))
		var whole, pieces view.View
		for _, e := range arrive(rnd, ends, 1) {
			whole.Store.Add(e)
		}
		opened := []uint64{}
		for _, e := range arrive(rnd, ends, []int64{1, 5_000, 50_000_000}[seed%3]) {
			pieces.Store.Add(e)
			switch rnd.IntN(40) {
			case 0, 1, 2, 3:
				pieces.Frame(nil, rnd.IntN(100), 20)
			case 4:
				pieces.Frame(nil, all, 20)
			case 5:
				if seed%2 == 0 {
					continue
				}
				id := uint64(1 + rnd.IntN(100))
				pieces.Toggle(id)
				opened = append(opened, id)
			case 6:
				pieces.Freeze(rnd.IntN(2) == 0)
			case 7:
				pieces.Filter(view.Filter{Text: "data", Hide: true})
				pieces.Filter(view.Filter{})
			}
		}
		pieces.Freeze(false)
		got := unpack(t, pieces.Frame(nil, 0, all))
		pieces.Relay()
		if want := unpack(t, pieces.Frame(nil, 0, all)); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: piece by piece\n%s\nat once\n%s", seed, render(&got), render(&want))
		}
		if len(opened) > 0 {
			continue
		}
		got = same(got)
		if want := same(unpack(t, whole.Frame(nil, 0, all))); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: late\n%s\nin order\n%s", seed, render(&got), render(&want))
		}
	}
}

// The arrows of bytes have every byte that was read, once and in order, and
// each is between the lines that have its bytes.
func TestArrowsCoverWhatWasRead(t *testing.T) {
	folds := 0
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		var v view.View
		for _, e := range arrive(rnd, story(rnd, 1+rnd.IntN(3), 350), 1_000_000) {
			v.Store.Add(e)
		}
		f := unpack(t, v.Frame(nil, 0, all))
		type key struct {
			number int
			writer wire.Side
		}
		next := map[key]uint64{}
		for _, p := range v.Pieces() {
			k := key{p.Number, p.Writer}
			if p.Low != next[k] || p.High <= p.Low {
				t.Fatalf("seed %d: [%d,%d) comes behind %d", seed, p.Low, p.High, next[k])
			}
			next[k] = p.High
			for _, i := range []int{p.From, p.To} {
				l := f.Lines[i]
				if float64(p.Low) < l.From || float64(p.High) > l.From+l.Bytes || int(l.Number) != p.Number {
					t.Fatalf("seed %d: [%d,%d) of %d is not in line %d: %+v", seed, p.Low, p.High, p.Number, i, l)
				}
			}
			if f.Lines[p.From].Name != "write()" || f.Lines[p.To].Name != "data" {
				t.Fatalf("seed %d: from %+v to %+v", seed, f.Lines[p.From], f.Lines[p.To])
			}
		}
		want := map[key]uint64{}
		for _, l := range f.Lines {
			if l.Name == "data" {
				want[key{int(l.Number), 3 - wire.Side(l.Side)}] = uint64(l.From + l.Bytes)
			}
			if l.Times > 1 {
				folds++
			}
		}
		if !maps.Equal(next, want) {
			t.Fatalf("seed %d: the arrows reach to %v, what was read to %v", seed, next, want)
		}
	}
	if folds == 0 {
		t.Error("no story had a fold")
	}
}

// A window shows what the whole would show there.
func TestWindowIsPartOfTheWhole(t *testing.T) {
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		v := &view.View{}
		for _, e := range arrive(rnd, story(rnd, 1+rnd.IntN(8), 50+rnd.IntN(400)), 1_000_000) {
			v.Store.Add(e)
		}
		if seed%3 == 0 {
			v.Filter(view.Filter{Side: wire.Client, Hide: seed%2 == 0})
		}
		v.Select(uint64(1 + rnd.IntN(200)))
		whole := unpack(t, v.Frame(nil, 0, all))
		if len(whole.Arrows) == view.MaxArrows {
			t.Fatalf("seed %d has too many arrows", seed)
		}
		for range 10 {
			f := unpack(t, v.Frame(nil, rnd.IntN(int(whole.Total)), 1+rnd.IntN(30)))
			first, last := int(f.First), int(f.First)+len(f.Lines)
			if want := whole.Lines[first:last]; !reflect.DeepEqual(f.Lines, want) {
				t.Fatalf("seed %d: the lines from %d\ngot  %+v\nwant %+v", seed, first, f.Lines, want)
			}
			var arrows []arrow
			for _, a := range whole.Arrows {
				if max(a.From, a.To) > float64(first) && min(a.From, a.To) < float64(last) {
					arrows = append(arrows, a)
				}
			}
			slices.SortFunc(arrows, byLines)
			slices.SortFunc(f.Arrows, byLines)
			if !slices.Equal(f.Arrows, arrows) {
				t.Fatalf("seed %d: the arrows across %d to %d\ngot  %v\nwant %v", seed, first, last, f.Arrows, arrows)
			}
			var lives []life
			low, high := float64(first-1), float64(last+1)
			for _, l := range whole.Lives {
				l.Cap = l.Cap && l.To <= high
				if l.From, l.To = max(l.From, low), min(l.To, high); l.From < l.To {
					lives = append(lives, l)
				}
			}
			if !slices.Equal(f.Lives, lives) {
				t.Fatalf("seed %d: the lives from %d to %d\ngot  %v\nwant %v", seed, first, last, f.Lives, lives)
			}
		}
	}
}

func render(f *frame) string {
	var b []byte
	for i, l := range f.Lines {
		b = fmt.Appendf(b, "%d %+v\n", i, l)
	}
	return string(fmt.Appendf(b, "%+v\n%+v", f.Lives, f.Arrows))
}
