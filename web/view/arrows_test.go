package view_test

import (
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

// However many arrows one direction of one connection has, the others' stay, and
// so do those of what is selected.
func TestArrowsAreShared(t *testing.T) {
	v := &view.View{}
	at := int64(0)
	add := func(kind wire.Kind, side wire.Side, conn, from, to uint64) {
		at += 60_000_000 // each is a burst of its own
		e := ours(kind, conn, at)
		if side == server {
			e = theirs(kind, conn, at)
		}
		if conn == 2 {
			e = from2(e)
		}
		v.Store.Add(moved(e, from, to))
	}
	for i := range uint64(950) {
		add(wire.CallWrite, client, 1, i, i+1)
	}
	add(wire.CallWrite, server, 1, 0, 1) // 951
	add(wire.CallWrite, client, 2, 0, 1)
	for i := range uint64(30) {
		add(wire.CallWrite, server, 2, i, i+1)
	}
	add(wire.Data, server, 1, 0, 250) // 983
	add(wire.Data, server, 1, 250, 950)
	add(wire.Data, client, 1, 0, 1)
	add(wire.Data, server, 2, 0, 1)
	add(wire.Data, client, 2, 0, 30)

	type key struct {
		number int
		writer wire.Side
		group  bool
	}
	count := func() map[key]int {
		f := unpack(t, v.Frame(nil, 0, all))
		if len(f.Arrows) != view.MaxArrows {
			t.Errorf("%d arrows, want as many as there may be", len(f.Arrows))
		}
		is := map[key]int{}
		for _, a := range f.Arrows {
			number := int(f.Lines[int(a.From)].Number)
			is[key{number, wire.Side(a.Side), a.Group}]++
		}
		return is
	}
	check := func(what string, want map[key]int) {
		t.Helper()
		got := count()
		for k, n := range want {
			if got[k] != n {
				t.Errorf("%s: of connection %d, side %d, group %v are %d arrows, want %d", what, k.number, k.writer, k.group, got[k], n)
			}
		}
	}
	few := map[key]int{{1, server, false}: 1, {2, client, false}: 1, {2, server, false}: 30, {1, client, false}: view.MaxArrows - 32}
	check("nothing is selected", few)
	v.Select(983)
	few[key{1, client, true}], few[key{1, client, false}] = 250, view.MaxArrows-32-250
	check("a read of 250 writes is selected", few)
	v.Select(984) // of 700: they leave room for others
	few[key{1, client, true}], few[key{1, client, false}] = view.MaxArrows*3/4, view.MaxArrows/4-32
	check("a read of 700 writes is selected", few)
}

// from2 puts an event between other addresses: it is of another connection.
func from2(e wire.Event) wire.Event { return from("127.0.0.1:50002", e) }

// What is another program's is told so by its lifelines, and it has no arrows.
func TestOthersAreMarked(t *testing.T) {
	v := &view.View{}
	v.Store.Add(ours(wire.Connect, 1, 10))
	v.Store.Add(moved(ours(wire.CallWrite, 1, 11), 0, 1))
	v.Store.Add(theirs(wire.Connection, 1, 20))
	v.Store.Add(moved(theirs(wire.Data, 1, 21), 0, 1))
	v.Store.Add(from2(theirs(wire.Connection, 2, 30)))
	f := unpack(t, v.Frame(nil, 0, all))
	if len(f.Lives) != 3 || f.Lives[0].Other || f.Lives[1].Other || !f.Lives[2].Other {
		t.Errorf("got %+v", f.Lives)
	}
	if len(f.Arrows) != 1 { // only of ours both ends are seen
		t.Errorf("got %+v", f.Arrows)
	}
}
