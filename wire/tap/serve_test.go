package tap_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"porthole/wire"
	"porthole/wire/tap"
)

// stream asks for a log's events. The lines come until the test ends.
func stream(t *testing.T, url string, header ...string) (*http.Response, *bufio.Scanner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp, bufio.NewScanner(resp.Body)
}

func lines(t *testing.T, s *bufio.Scanner, n int) (lines []string) {
	t.Helper()
	for len(lines) < n && s.Scan() {
		lines = append(lines, s.Text())
	}
	if len(lines) < n {
		t.Fatalf("%d lines, want %d: %q, %v", len(lines), n, lines, s.Err())
	}
	return lines
}

// seqs are the numbers in lines of JSON, and those lost as negative numbers.
func seqs(t *testing.T, lines []string) (seqs []int) {
	t.Helper()
	for _, line := range lines {
		var l struct{ Seq, Lost int }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		seqs = append(seqs, l.Seq-l.Lost)
	}
	return seqs
}

func serveLog(t *testing.T, log *tap.Log) (url string) {
	t.Helper()
	server := httptest.NewServer(log)
	t.Cleanup(server.Close)
	return server.URL
}

func TestServeLines(t *testing.T) {
	var log tap.Log
	log.Add(wire.Event{Kind: wire.Listening, Side: wire.Server, Start: 5, Return: 5, Local: "127.0.0.1:1234"})
	resp, got := stream(t, serveLog(t, &log))
	want := map[string]string{"Content-Type": "application/x-ndjson", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
	for name, value := range want {
		if got := resp.Header.Get(name); got != value {
			t.Errorf("%s: %s, want %s", name, got, value)
		}
	}
	for _, name := range []string{"Porthole-Log", "Porthole-Host"} {
		if resp.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	if got := resp.Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("pages of %s may read it", got)
	}
	const first = `{"seq":1,"start":5,"return":5,"event":"listening","side":"server","local":"127.0.0.1:1234"}`
	if got := lines(t, got, 1)[0]; got != first {
		t.Errorf("got  %s\nwant %s", got, first)
	}
	log.Add(wire.Event{Kind: wire.Data, Side: wire.Server, Start: 6, Return: 7, Conn: 1, To: 4, Data: []byte("哇\n")})
	const second = `{"seq":2,"start":6,"return":7,"event":"data","side":"server","conn":1,"to":4,"data":"5ZOHCg==","text":"哇\\n"}`
	if got := lines(t, got, 1)[0]; got != second {
		t.Errorf("got  %s\nwant %s", got, second)
	}
}

func TestServeSentEvents(t *testing.T) {
	log := &tap.Log{History: 2}
	fill(log, 3)
	resp, got := stream(t, serveLog(t, log), "Accept", "text/html, text/event-stream;q=0.9")
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Errorf("Content-Type: %s", got)
	}
	id := "id: " + resp.Header.Get("Porthole-Log") + "."
	want := []string{
		"event: lost", `data: {"lost":1}`, "",
		id + "2", `data: {"seq":2,"start":0,"return":0,"event":"data","side":"","conn":2}`, "",
		id + "3", `data: {"seq":3,"start":0,"return":0,"event":"data","side":"","conn":3}`, "",
	}
	if got := lines(t, got, len(want)); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestServeResumes(t *testing.T) {
	log := &tap.Log{History: 4}
	fill(log, 8)
	url := serveLog(t, log)
	resp, _ := stream(t, url)
	id := resp.Header.Get("Porthole-Log")
	tests := []struct {
		name, query, header string
		want                []int
	}{
		{"from the history", "", "", []int{-4, 5, 6, 7, 8}},
		{"since", "?since=" + id + ".6", "", []int{7, 8}},
		{"Last-Event-ID", "", id + ".7", []int{8}},
		{"since comes first", "?since=" + id + ".7", id + ".5", []int{8}},
		{"from before the history", "?since=" + id + ".2", "", []int{-2, 5, 6, 7, 8}},
		{"another log", "?since=other.7", "", []int{-4, 5, 6, 7, 8}},
		{"no number", "?since=" + id + ".x", "", []int{-4, 5, 6, 7, 8}},
		{"bare number", "?since=7", "", []int{-4, 5, 6, 7, 8}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, s := stream(t, url+tt.query, "Last-Event-ID", tt.header)
			if got := seqs(t, lines(t, s, len(tt.want))); !slices.Equal(got, tt.want) {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
	t.Run("beyond the last", func(t *testing.T) {
		_, s := stream(t, url+"?since="+id+".99")
		fill(log, 1)
		if got := seqs(t, lines(t, s, 1)); got[0] != 9 {
			t.Errorf("got %d, want 9", got)
		}
	})
}

// slow is a response that takes its first write and no other until go.
type slow struct {
	*httptest.ResponseRecorder
	writes  int
	written chan struct{} // sent to by the first write
	ready   chan struct{} // closed when writes may go on
}

func (s *slow) Write(b []byte) (int, error) {
	if s.writes++; s.writes == 1 {
		s.written <- struct{}{}
		<-s.ready
	}
	return s.ResponseRecorder.Write(b)
}

func TestServeTellsTheSlowWhatTheyLost(t *testing.T) {
	log := &tap.Log{History: 8}
	fill(log, 1)
	ctx, cancel := context.WithCancel(t.Context())
	w := &slow{httptest.NewRecorder(), 0, make(chan struct{}), make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		log.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
	}()
	<-w.written
	fill(log, 10)
	cancel() // it still gets what is there
	close(w.ready)
	<-done
	want := []int{1, -2, 4, 5, 6, 7, 8, 9, 10, 11}
	if got := seqs(t, strings.Split(strings.TrimSpace(w.Body.String()), "\n")); !slices.Equal(got, want) {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestServeOnlyGET(t *testing.T) {
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		w := httptest.NewRecorder()
		new(tap.Log).ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodGet {
			t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestText(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"text", "哇咔咔", "哇咔咔"},
		{"empty", "", ""},
		{"wide space", "你\u3000好", "你\u3000好"},
		{"newline", "a\r\nb", `a\r\nb`},
		{"escape", "\x1b[31mred", `\x1b[31mred`},
		{"right-to-left override", "a\u202eb", `a\u202eb`},
		{"zero width", "a\u200bb\ufeff", `a\u200bb\ufeff`},
		{"line separator", "a\u2028b", `a\u2028b`},
		{"invalid UTF-8", "\xff哇\xe5\x93", `\xff哇\xe5\x93`},
		{"C1 control", "\u009b", `\u009b`},
		{"quotes", `say "hi"`, `say "hi"`},
		{"backslash", `\n`, `\\n`},
		{"backslash and quote", `\"`, `\\"`},
		{"NUL and DEL", "\x00\x7f", `\x00\x7f`},
	}
	for _, tt := range tests {
		if got := tap.Text([]byte(tt.in)); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
