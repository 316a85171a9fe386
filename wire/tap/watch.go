package tap

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"porthole/wire"
)

// Watcher reads the event stream of another process, and reads it again from
// where it was when the stream breaks.
type Watcher struct {
	// URL of the stream, as [Log] serves it.
	URL string
	// Emit takes each event, with the number that the other log gave it.
	Emit Emit
	// Lost is told how many events the other log could not keep for us.
	// If nil, no one is.
	Lost func(n uint64)
	// State is told when the stream is up (nil) and why it is down. If nil, no
	// one is.
	State func(err error)

	client http.Client
	log    string // the log that seq is of
	seq    uint64
}

// The wait before another try: doubled up to the maximum, and never the same
// for two watchers.
const (
	minWait = 250 * time.Millisecond
	maxWait = 5 * time.Second
	maxLine = 64 << 10
)

// Run watches until the context ends, and returns its error.
func (w *Watcher) Run(ctx context.Context) error {
	wait := minWait
	for {
		up, err := w.stream(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if w.State != nil {
			w.State(err)
		}
		if up {
			wait = minWait
		}
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return ctx.Err()
		}
		wait = min(2*wait, maxWait)
	}
}

// stream reads one response to its end, and tells whether there was one.
func (w *Watcher) stream(ctx context.Context) (up bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL, nil)
	if err != nil {
		return false, err
	}
	if w.log != "" {
		q := req.URL.Query()
		q.Set("since", w.log+"."+strconv.FormatUint(w.seq, 10))
		req.URL.RawQuery = q.Encode()
	}
	req.Header.Set("Accept", "application/x-ndjson")
	resp, err := w.client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("%s answers %s", w.URL, resp.Status)
	}
	name := resp.Header.Get(headerLog)
	if name == "" {
		return false, fmt.Errorf("%s is no event stream of a tcpserver or gateway", w.URL)
	}
	if name != w.log {
		w.log, w.seq = name, 0
	}
	if w.State != nil {
		w.State(nil)
	}
	apart := resp.Header.Get(headerHost) != Host()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, maxLine)
	lines.Split(wholeLines)
	for lines.Scan() {
		w.take(lines.Bytes(), apart)
	}
	if err := lines.Err(); err != nil {
		return true, err
	}
	return true, fmt.Errorf("%s has ended", w.URL)
}

// wholeLines is a bufio.SplitFunc. What a broken stream leaves of a line is none:
// the event comes again.
func wholeLines(data []byte, _ bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	return 0, nil, nil
}

// take passes on one line. One that it cannot read is from a newer program, and
// counts as lost.
func (w *Watcher) take(text []byte, apart bool) {
	if len(bytes.TrimSpace(text)) == 0 {
		return
	}
	var l struct {
		wire.Event
		missed
	}
	err := json.Unmarshal(text, &l)
	if err != nil {
		l.Lost = 1
	}
	if l.Lost > 0 {
		w.seq += l.Lost
		if w.Lost != nil {
			w.Lost(l.Lost)
		}
		return
	}
	w.seq = l.Seq
	l.Approx = l.Approx || apart
	w.Emit(l.Event)
}
