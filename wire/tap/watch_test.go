package tap_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"porthole/wire"
	"porthole/wire/tap"
)

// watched is what a Watcher tells, in order: "event 1", "lost 2", "up", "down".
type watched chan string

// watch watches url until the test ends.
func watch(t *testing.T, url string) watched {
	t.Helper()
	told := make(watched, 1000)
	w := tap.Watcher{
		URL: url,
		Emit: func(e wire.Event) {
			s := fmt.Sprintf("event %d", e.Seq)
			if e.Approx {
				s = "≈" + s
			}
			told <- s
		},
		Lost: func(n uint64) { told <- fmt.Sprintf("lost %d", n) },
		State: func(err error) {
			if err == nil {
				told <- "up"
			} else {
				told <- "down"
			}
		},
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != context.Canceled {
			t.Errorf("Run: %v, want %v", err, context.Canceled)
		}
	})
	return told
}

func (w watched) expect(t *testing.T, want ...string) {
	t.Helper()
	late := time.After(patience)
	for i := range want {
		select {
		case got := <-w:
			if got != want[i] {
				t.Fatalf("told %q, want %q of %q", got, want[i], want)
			}
		case <-late:
			t.Fatalf("nothing told, want %q of %q", want[i], want)
		}
	}
}

func TestWatch(t *testing.T) {
	log := &tap.Log{History: 3}
	fill(log, 5)
	told := watch(t, serveLog(t, log))
	told.expect(t, "up", "lost 2", "event 3", "event 4", "event 5")
	fill(log, 1)
	told.expect(t, "event 6")
}

// The stream breaks, the log goes on: nothing comes twice, nothing is missing.
func TestWatchResumes(t *testing.T) {
	log := &tap.Log{History: 4}
	server := httptest.NewServer(log)
	t.Cleanup(server.Close)
	told := watch(t, server.URL)
	told.expect(t, "up")
	fill(log, 2)
	told.expect(t, "event 1", "event 2")
	server.CloseClientConnections()
	told.expect(t, "down")
	fill(log, 3)
	told.expect(t, "up", "event 3", "event 4", "event 5")
	server.CloseClientConnections()
	told.expect(t, "down")
	fill(log, 6)
	told.expect(t, "up", "lost 2", "event 8", "event 9", "event 10", "event 11")
}

// The process is another one: its numbers start anew.
func TestWatchAfterRestart(t *testing.T) {
	var log atomic.Pointer[tap.Log]
	log.Store(new(tap.Log))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Load().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	told := watch(t, server.URL)
	fill(log.Load(), 2)
	told.expect(t, "up", "event 1", "event 2")
	next := new(tap.Log)
	fill(next, 3)
	log.Store(next)
	server.CloseClientConnections()
	told.expect(t, "down", "up", "event 1", "event 2", "event 3")
}

// scripted answers each request with the next of bodies, and then breaks off.
func scripted(t *testing.T, since chan<- string, bodies ...string) *httptest.Server {
	var request atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(request.Add(1)) - 1
		if n >= len(bodies) {
			<-r.Context().Done() // the script is over
			return
		}
		since <- r.URL.Query().Get("since")
		w.Header().Set("Porthole-Log", "a")
		w.Header().Set("Porthole-Host", "elsewhere")
		_, _ = io.WriteString(w, bodies[n])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestWatchBrokenStreams(t *testing.T) {
	event := func(seq int) string { return fmt.Sprintf(`{"seq":%d,"event":"data","side":"server"}`, seq) }
	tests := []struct {
		name   string
		bodies []string
		want   []string
		since  []string
	}{
		{"elsewhere", []string{event(1) + "\n"}, []string{"up", "≈event 1", "down"}, []string{""}},
		{"in the middle of a line", []string{event(1) + "\n" + event(2)[:9], event(2) + "\n"},
			[]string{"up", "≈event 1", "down", "up", "≈event 2", "down"}, []string{"", "a.1"}},
		{"before the end of a line", []string{event(1) + "\n" + event(2), event(2) + "\n"},
			[]string{"up", "≈event 1", "down", "up", "≈event 2", "down"}, []string{"", "a.1"}},
		{"behind a loss", []string{event(1) + "\n" + `{"lost":7}` + "\n", event(9) + "\n"},
			[]string{"up", "≈event 1", "lost 7", "down", "up", "≈event 9", "down"}, []string{"", "a.8"}},
		{"newer kind", []string{event(1) + "\n" + `{"seq":2,"event":"newer"}` + "\n" + event(3) + "\n"},
			[]string{"up", "≈event 1", "lost 1", "≈event 3", "down"}, []string{""}},
		{"newer field", []string{`{"newer":1,"seq":1,"event":"data","side":"server"}` + "\n\n"},
			[]string{"up", "≈event 1", "down"}, []string{""}},
		{"line without end", []string{strings.Repeat("x", 1<<20), event(1) + "\n"},
			[]string{"up", "down", "up", "≈event 1", "down"}, []string{"", "a.0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // each waits before it tries again
			since := make(chan string, len(tt.bodies))
			told := watch(t, scripted(t, since, tt.bodies...).URL)
			told.expect(t, tt.want...)
			for _, want := range tt.since {
				if got := <-since; got != want {
					t.Errorf("asked since %q, want %q", got, want)
				}
			}
		})
	}
}

func TestWatchWhatIsNoStream(t *testing.T) {
	tests := map[string]http.Handler{
		"not found": http.NotFoundHandler(),
		"no log":    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello\n") }),
	}
	for name, handler := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(handler)
			t.Cleanup(server.Close)
			watch(t, server.URL).expect(t, "down", "down") // it goes on trying
		})
	}
}

func TestWatchNeedsOnlyEmit(t *testing.T) {
	log := &tap.Log{History: 1}
	fill(log, 2)
	got := make(chan uint64, 1)
	w := tap.Watcher{URL: serveLog(t, log), Emit: func(e wire.Event) { got <- e.Seq }}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	if seq := <-got; seq != 2 {
		t.Errorf("event %d, want 2", seq)
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("Run: %v", err)
	}
}
