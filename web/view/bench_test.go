package view_test

import (
	"fmt"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

// traffic makes the i-th event of a few connections that are never idle: each
// write is answered.
func traffic(e *wire.Event, i int) {
	const conns = 4
	conn, n := uint64(i/4%conns), uint64(i/4/conns)
	addr := addresses[conn]
	at := int64(i) * 50_000
	*e = wire.Event{Conn: conn + 1, Start: at, Return: at + 10_000, From: n * 9, To: n*9 + 9, Data: hello}
	switch i % 4 {
	case 0:
		e.Kind, e.Side, e.Local, e.Remote = wire.CallWrite, wire.Client, addr, there
	case 1:
		e.Kind, e.Side, e.Local, e.Remote = wire.Data, wire.Server, there, addr
	case 2:
		e.Kind, e.Side, e.Local, e.Remote = wire.CallWrite, wire.Server, there, addr
	default:
		e.Kind, e.Side, e.Local, e.Remote = wire.Data, wire.Client, addr, there
	}
}

var (
	hello     = []byte("哇咔咔")
	addresses = [...]string{"127.0.0.1:40001", "127.0.0.1:40002", "127.0.0.1:40003", "127.0.0.1:40004"}
)

// full is a view of as many rows as are kept.
func full() (*view.View, int) {
	v := &view.View{}
	var e wire.Event
	n := view.MaxRows + view.MaxRows/2
	for i := range n {
		traffic(&e, i)
		v.Store.Add(e)
	}
	v.Frame(nil, all, 60)
	return v, n
}

// BenchmarkAdd is an event, with its part of the frame in which it is laid out:
// there are 20,000 events/s, and 60 frames/s.
func BenchmarkAdd(b *testing.B) {
	for _, kept := range []string{"few", "all"} {
		b.Run(kept, func(b *testing.B) {
			v, i := &view.View{}, 0
			if kept == "all" {
				v, i = full()
			}
			var e wire.Event
			var buf []byte
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				traffic(&e, i)
				v.Store.Add(e)
				i++
				if n++; n%333 == 0 {
					buf = v.Frame(buf[:0], all, 0)
				}
			}
		})
	}
}

// BenchmarkFrame is a frame of 60 lines of as many rows as are kept, when
// nothing has come since the last one, and when one event has.
func BenchmarkFrame(b *testing.B) {
	for _, first := range []int{0, 1000, all} {
		for _, fresh := range []bool{false, true} {
			b.Run(fmt.Sprintf("from %d, new %v", first, fresh), func(b *testing.B) {
				v, i := full()
				var e wire.Event
				var buf []byte
				b.ReportAllocs()
				for b.Loop() {
					if fresh {
						traffic(&e, i)
						v.Store.Add(e)
						i++
					}
					buf = v.Frame(buf[:0], first, 60)
				}
			})
		}
	}
}

// BenchmarkStall is a frame in the midst of a hundred thousand writes whose
// bytes were all read later.
func BenchmarkStall(b *testing.B) {
	v := stalled(view.MaxRows - 2000)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = v.Frame(buf[:0], 1000, 60)
	}
}

// BenchmarkCrowd is a frame when very many connections came and went at once:
// each a few events, none of ours.
func BenchmarkCrowd(b *testing.B) {
	for _, first := range []int{0, 1000, all} {
		b.Run(fmt.Sprint("from ", first), func(b *testing.B) {
			v := crowd(500)
			var buf []byte
			b.ReportAllocs()
			for b.Loop() {
				buf = v.Frame(buf[:0], first, 60)
			}
		})
	}
}

// crowd is a view of n connections from elsewhere, which take turns.
func crowd(n int) *view.View {
	v := &view.View{}
	at := int64(0)
	for i, kind := range []wire.Kind{wire.Connection, wire.Data, wire.CallWrite, wire.End, wire.Close} {
		for conn := range n {
			at += 10_000
			e := from(fmt.Sprint("127.0.0.1:", 40_000+conn), theirs(kind, uint64(1+conn), at))
			if i == 1 || i == 2 {
				e.To, e.Data = 9, hello
			}
			v.Store.Add(e)
		}
	}
	return v
}

// stalled is a view of n writes, each too late for the burst before it, and of
// as few reads as can be of all their bytes.
func stalled(n int) *view.View {
	v := &view.View{}
	v.Store.Add(ours(wire.Connect, 1, 1))
	v.Store.Add(theirs(wire.Connection, 1, 2))
	at := int64(2)
	for i := range n {
		at += 60_000_000
		e := ours(wire.CallWrite, 1, at)
		e.From, e.To = uint64(i)*9, uint64(i)*9+9
		v.Store.Add(e)
	}
	const most = 64 << 10
	for from := 0; from < n*9; from += most {
		at += 60_000_000
		e := theirs(wire.Data, 1, at)
		e.From, e.To = uint64(from), uint64(min(n*9, from+most))
		v.Store.Add(e)
	}
	return v
}

// BenchmarkFilter is what a key in the filter's field costs.
func BenchmarkFilter(b *testing.B) {
	v, _ := full()
	var buf []byte
	for i := 0; b.Loop(); i++ {
		v.Filter(view.Filter{Text: []string{"咔", "data", "4000", "nothing"}[i%4], Hide: i%8 > 3})
		buf = v.Frame(buf[:0], all, 60)
	}
}
