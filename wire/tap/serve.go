package tap

import (
	"encoding/json"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"

	"porthole/wire"
)

// Headers of an event stream: which log it is, and whose clock its times are.
const (
	headerLog  = "Porthole-Log"
	headerHost = "Porthole-Host"
)

// line is one event of a stream: what happened, and its bytes for the eye.
type line struct {
	wire.Event
	Text string `json:"text,omitempty"`
}

// missed stands where events are no longer in the history.
type missed struct {
	Lost uint64 `json:"lost"`
}

// ServeHTTP streams the log, first what is still in the history, then each
// event as it comes: a line of JSON each (application/x-ndjson), or server-sent
// events if the request accepts text/event-stream (HTML §9.2). It ends with the
// request. ?since=ID, or Last-Event-ID, goes on behind an earlier event; an ID
// is LOG.SEQ, of Porthole-Log and the event. A reader that is too slow gets
// {"lost":n}.
func (l *Log) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "events are read with GET", http.StatusMethodNotAllowed)
		return
	}
	id := l.id()
	h := w.Header()
	h.Set(headerLog, id)
	h.Set(headerHost, Host())
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	sse := accepts(r, "text/event-stream")
	if sse {
		h.Set("Content-Type", "text/event-stream")
	} else {
		h.Set("Content-Type", "application/x-ndjson")
	}
	seq := l.resume(r)
	flush := http.NewResponseController(w).Flush
	if flush() != nil { // the headers, so that a reader knows it is connected
		return
	}

	events := make([]wire.Event, 64)
	var out []byte
	for {
		n, lost := l.Since(seq, events)
		seq += lost
		out = out[:0]
		if lost > 0 {
			out = appendLine(out, sse, "lost", "", missed{lost})
		}
		for _, e := range events[:n] {
			seq = e.Seq
			out = appendLine(out, sse, "", id+"."+strconv.FormatUint(seq, 10), line{e, Text(e.Data)})
		}
		if len(out) > 0 {
			if _, err := w.Write(out); err != nil {
				return
			}
			if flush() != nil {
				return
			}
		}
		if l.Wait(r.Context(), seq) != nil {
			return
		}
	}
}

// resume is the number behind which the reader wants to go on: 0 if it names
// none, or one of another log.
func (l *Log) resume(r *http.Request) uint64 {
	since := r.URL.Query().Get("since")
	if since == "" {
		since = r.Header.Get("Last-Event-ID")
	}
	id, number, _ := strings.Cut(since, ".")
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil || id != l.id() {
		return 0
	}
	return min(seq, l.Last())
}

func appendLine(b []byte, sse bool, event, id string, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // these types always marshal
	}
	if !sse {
		return append(append(b, text...), '\n')
	}
	if event != "" {
		b = append(append(append(b, "event: "...), event...), '\n')
	}
	if id != "" {
		b = append(append(append(b, "id: "...), id...), '\n')
	}
	return append(append(append(b, "data: "...), text...), "\n\n"...)
}

func accepts(r *http.Request, want string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		if t, _, err := mime.ParseMediaType(part); err == nil && t == want {
			return true
		}
	}
	return false
}

// Text renders a peer's bytes on one line, safe for a log or a terminal:
// control and formatting characters and invalid UTF-8 are escaped as in a Go
// string, everything that shows stays as it is.
func Text(b []byte) string {
	quoted := strconv.QuoteToGraphic(string(b))
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// Host names the machine whose clock Now reads: two processes with the same
// name share it.
func Host() string {
	if boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil { // random(4), Linux
		return strings.TrimSpace(string(boot))
	}
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
}
