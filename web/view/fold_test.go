package view_test

import (
	"fmt"
	"strings"
	"testing"

	"porthole/web/view"
)

const (
	isFold     = 32
	isSelected = 128
	isGroup    = 256
)

// A fold is inspected as a whole, from its first event, while it is one.
func TestFoldIsInspectedWhole(t *testing.T) {
	l := greeted() // 4 events
	var writes, reads []uint64
	writes = append(writes, l.write(client, "", 100, 100))
	for i := range int64(30) {
		writes = append(writes, l.write(client, "abc", 101+i, 101+i))
	}
	for i := range int64(25) { // of 2 bytes but for the last
		reads = append(reads, l.read(server, strings.Repeat("x", 2+int(i/24)*40), 200+i))
	}
	l.write(server, "你好", 300, 301)
	last := l.read(client, "你", 310)
	l.read(client, "好", 311)

	tests := []struct {
		name     string
		id       uint64
		first    uint64
		opened   bool
		want     string // writes and reads in all, the range, the first byte, and how many writes and reads are shown
		selected string // lines
	}{
		{"a fold of writes", writes[0], 0, false, "30 → 25 of 0–90 from 0: 22, 25", "4* 5"},
		{"a fold of reads", reads[0], 0, false, "30 → 25 of 0–90 from 0: 22, 25", "4 5*"},
		{"the end of it", writes[0], 80, false, "30 → 25 of 0–90 from 80: 4, 1", "4* 5"},
		{"in the midst of a fold", writes[3], 0, false, "1 → 2 of 6–9 from 6: 1, 2", "4* 5"},
		{"a line beside it", last, 0, false, "1 → 1 of 0–3 from 0: 1, 1", "6 7*"},
		{"a write of an opened burst", writes[3], 0, true, "1 → 2 of 6–9 from 6: 1, 2", "7* 38 39"},
		{"the first of it, which is empty", writes[0], 0, true, "0 → 0 of 0–0 from 0: 0, 0", "4*"},
		{"its last read", reads[24], 0, true, "14 → 1 of 48–90 from 48: 14, 1", "21 22 23 24 25 26 27 28 29 30 31 32 33 34 59*"},
	}
	opened := false
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.opened != opened {
				l.Toggle(writes[0])
				opened = tt.opened
			}
			x := l.inspect(t, tt.id, view.UTF8, tt.first)
			if got := fmt.Sprintf("%d → %d of %v–%v from %v: %d, %d",
				x.WritesInAll, x.ReadsInAll, x.From, x.To, x.First, len(x.Writes), len(x.Reads)); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			var lines []string
			for i, ln := range unpack(t, l.Frame(nil, 0, all)).Lines {
				switch {
				case ln.Flags&isSelected != 0:
					lines = append(lines, fmt.Sprint(i, "*"))
				case ln.Flags&isGroup != 0:
					lines = append(lines, fmt.Sprint(i))
				}
			}
			if got := strings.ReplaceAll(strings.Join(lines, " "), " *", "*"); got != tt.selected {
				t.Errorf("got lines %s, want %s", got, tt.selected)
			}
		})
	}
}

// From a fold, and to one, an arrow leads from line to line.
func TestTravelBetweenFolds(t *testing.T) {
	l := greeted()
	early := l.write(client, "0123456789", 10, 10) // long before the burst
	at := int64(100_000)
	write := l.write(client, "a", at, at)
	for i := range int64(29) {
		l.write(client, "a", at+i, at+i)
	}
	first := l.read(server, "0123456789a", at+40) // has bytes of both
	read := l.read(server, "a", 300_000)
	for i := range int64(27) {
		l.read(server, "a", 300_001+i)
	}
	final := l.read(server, "a", 400_000)
	for _, tt := range []struct {
		name  string
		id    uint64
		reads bool
		want  uint64
	}{
		{name: "to the first read", id: write, reads: true, want: first},
		{name: "to the write before", id: write, want: early},
		{name: "on to a fold", id: first, reads: true, want: read},
		{name: "from a fold to a fold", id: read, want: write},
		{name: "from the midst of a fold", id: read + 5, want: write},
		{name: "out of a fold", id: read, reads: true, want: final},
		{name: "from a line into a fold", id: final, want: write},
		{name: "to a line", id: early, reads: true, want: first},
	} {
		if got := l.Travel(tt.id, tt.reads); got != tt.want {
			t.Errorf("%s: from %d to %d, want %d", tt.name, tt.id, got, tt.want)
		}
	}
	l.Toggle(write)
	if got := l.Travel(final, false); got != write+29 {
		t.Errorf("when the burst is opened: to %d, want %d", got, write+29)
	}
}

// What has no line yet can be selected.
func TestSelectBeforeThereAreLines(t *testing.T) {
	l := &lesson{}
	l.Freeze(true)
	id := l.write(client, "abc", 10, 11)
	if x := l.inspect(t, id, view.UTF8, 0); x == nil || x.To != 3 {
		t.Errorf("got %v", x)
	}
	if f := unpack(t, l.Frame(nil, 0, all)); f.Selected != float64(id) || f.Total != 0 {
		t.Errorf("%v is selected of %d lines", f.Selected, f.Total)
	}
	if got := l.Travel(id, true); got != id {
		t.Errorf("travels to %d", got)
	}
}
