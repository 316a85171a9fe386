package view_test

import (
	"strings"
	"testing"

	"porthole/web/view"
	"porthole/wire"
)

func TestPlayer(t *testing.T) {
	const ms = 1_000_000
	at := func(start, took int64, k wire.Kind) wire.Event {
		return wire.Event{Kind: k, Start: start, Return: start + took}
	}
	p := view.NewPlayer([]wire.Event{
		at(1e18, 0, wire.Connect),
		at(1e18+5*ms, 80*ms, wire.CallWrite), // a call counts from its start
		at(1e18+3600*1000*ms, 0, wire.Data),  // an hour is played as a second
		at(1e18+3600*1000*ms, 0, wire.End),
	})
	for _, step := range []struct {
		gone int64
		want string
	}{
		{0, "connect"}, {4 * ms, ""}, {5 * ms, "write()"},
		{1004 * ms, ""}, {1005 * ms, "data end"}, {3600 * 1000 * ms, ""},
	} {
		var got strings.Builder
		for i, e := range p.Due(step.gone) {
			if i > 0 {
				got.WriteString(" ")
			}
			got.WriteString(e.Kind.String())
		}
		if got.String() != step.want {
			t.Errorf("at %d ns: %q, want %q", step.gone, got.String(), step.want)
		}
	}
	if !p.Done() {
		t.Error("all were given, and it is not done")
	}
}
