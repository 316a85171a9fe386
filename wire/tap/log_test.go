package tap_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"porthole/wire"
	"porthole/wire/tap"
)

// fill adds n events, each with its number as its connection.
func fill(log *tap.Log, n int) {
	for range n {
		log.Add(wire.Event{Kind: wire.Data, Conn: log.Last() + 1})
	}
}

func TestLogSince(t *testing.T) {
	tests := []struct {
		name           string
		history, added int
		since          uint64
		room           int
		first, last    uint64 // numbers of what comes; 0 if nothing does
		lost           uint64
	}{
		{"nothing", 4, 0, 0, 9, 0, 0, 0},
		{"all", 4, 3, 0, 9, 1, 3, 0},
		{"exactly the history", 4, 4, 0, 9, 1, 4, 0},
		{"one too many", 4, 5, 0, 9, 2, 5, 1},
		{"far too many", 4, 1000, 0, 9, 997, 1000, 996},
		{"behind", 4, 1000, 990, 9, 997, 1000, 6},
		{"still there", 4, 1000, 998, 9, 999, 1000, 0},
		{"up to date", 4, 1000, 1000, 9, 0, 0, 0},
		{"beyond", 4, 3, 7, 9, 0, 0, 0},
		{"as many as fit", 4, 1000, 0, 2, 997, 998, 996},
		{"no room", 4, 3, 0, 0, 0, 0, 0},
		{"default history", 0, tap.DefaultHistory + 1, 0, 1, 2, 2, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			log := &tap.Log{History: tt.history}
			fill(log, tt.added)
			buf := make([]wire.Event, tt.room)
			n, lost := log.Since(tt.since, buf)
			var want []uint64
			for seq := tt.first; seq != 0 && seq <= tt.last; seq++ {
				want = append(want, seq)
			}
			var got []uint64
			for _, e := range buf[:n] {
				if e.Conn != e.Seq {
					t.Errorf("event %d is number %d", e.Conn, e.Seq)
				}
				got = append(got, e.Seq)
			}
			if !slices.Equal(got, want) || lost != tt.lost {
				t.Errorf("%d, lost %d; want %d, lost %d", got, lost, want, tt.lost)
			}
			if got := log.Last(); got != uint64(tt.added) {
				t.Errorf("the last is %d, want %d", got, tt.added)
			}
		})
	}
}

func TestLogKeepsItsOwnBytes(t *testing.T) {
	var log tap.Log
	buf := []byte("data")
	e := wire.Event{Data: buf}
	log.Put(&e)
	copy(buf, "gone")
	if got := string(all(&log)[0].Data); got != "data" || e.Seq != 1 {
		t.Errorf("event %d holds %q", e.Seq, got)
	}
}

func TestLogWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log tap.Log
		var waiting sync.WaitGroup
		for range 3 {
			waiting.Go(func() {
				if err := log.Wait(t.Context(), 1); err != nil {
					t.Error(err)
				}
				if got := log.Last(); got != 2 {
					t.Errorf("woken at %d, want 2", got)
				}
			})
		}
		synctest.Wait()
		fill(&log, 1)
		synctest.Wait()
		fill(&log, 1)
		waiting.Wait()
		if err := log.Wait(t.Context(), 1); err != nil { // there is one already
			t.Error(err)
		}
	})
}

func TestLogWaitEndsWithContext(t *testing.T) {
	var log tap.Log
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Wait(ctx, 0); err != context.Canceled {
		t.Errorf("Wait: %v, want %v", err, context.Canceled)
	}
}

// Events that came before the context ended are not given up, so that readers
// have the last ones.
func TestLogWaitPrefersEvents(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			var log tap.Log
			ctx, cancel := context.WithCancel(t.Context())
			got := make(chan error)
			go func() { got <- log.Wait(ctx, 0) }()
			synctest.Wait()
			fill(&log, 1)
			cancel()
			if err := <-got; err != nil {
				t.Fatalf("Wait: %v", err)
			}
		})
	}
}

func TestLogIsSharedByWritersAndReaders(t *testing.T) {
	const writers, each, readers = 4, 500, 3
	log := &tap.Log{History: 64}
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				log.Add(wire.Event{Kind: wire.Data})
			}
		})
	}
	for range readers {
		wg.Go(func() {
			buf := make([]wire.Event, 16)
			for seq := uint64(0); seq < writers*each; {
				if err := log.Wait(t.Context(), seq); err != nil {
					t.Error(err)
					return
				}
				n, lost := log.Since(seq, buf)
				for i, e := range buf[:n] {
					if want := seq + lost + uint64(i) + 1; e.Seq != want {
						t.Errorf("event %d, want %d", e.Seq, want)
					}
				}
				seq += lost + uint64(n)
			}
		})
	}
	wg.Wait()
}
