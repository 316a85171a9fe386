package e2e_test

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"porthole/internal/browser"
	"porthole/wire"
)

const captured = `!document.querySelector('#capture').hidden`

// link shares what the page has seen and returns the address that holds it.
func link(t *testing.T, p *browser.Page) (url string) {
	t.Helper()
	eval(t, p, `document.querySelector('#share').click()`, nil) // where a phone folds it away, too
	p.Wait(`location.hash.includes('c=')`)
	eval(t, p, `(document.querySelector('#keepbox').close(), location.href)`, &url)
	return url
}

// A link holds the capture: it shows the same rows, with the same event
// selected, on a page that has never seen a socket, nor a gateway.
func TestShareWithoutAServer(t *testing.T) {
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	b := browser.Start(t)
	p := b.Open(t, url, browser.Visitor{Width: 1100, Height: 1400})
	p.Wait(connected)
	lesson(t, p, 2)
	unmarked := table + `.filter(r => !r.startsWith('mark'))`
	selected := `document.querySelector('#rows [aria-current] .ev').textContent` // its gap is another: labels are not kept
	var before, after []string
	var wanted, title, shown string
	eval(t, p, unmarked, &before)
	eval(t, p, selected, &wanted)
	eval(t, p, `document.querySelector('#inspect h2').textContent`, &title)
	shared := link(t, p)
	if len(shared) > 8000 {
		t.Fatalf("%d characters", len(shared))
	}

	// Only the files are served: there is no gateway behind them.
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get(url + r.URL.Path)
		if err != nil || r.URL.Path == "/ws" {
			http.NotFound(w, r)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		_, _ = bufio.NewReader(resp.Body).WriteTo(w)
	}))
	t.Cleanup(files.Close) // behind the page's own end
	_, hash, _ := strings.Cut(shared, "#")
	q := b.Open(t, files.URL+"/#"+hash, browser.Visitor{Width: 1100, Height: 1400})
	adrift(q)
	q.Wait(captured)
	q.Wait(unmarked + `.length === ` + jsonOf(len(before)))
	q.Wait(`document.querySelector('#inspect h2').textContent === ` + jsonOf(title))
	eval(t, q, unmarked, &after)
	eval(t, q, selected, &shown)
	if !slices.Equal(after, before) {
		t.Errorf("the capture shows\n%s\nwant\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
	}
	if shown != wanted {
		t.Errorf("selected is %q, want %q", shown, wanted)
	}
	q.Click("#play")
	q.Wait(unmarked + `.length < ` + jsonOf(len(before))) // it begins anew
	q.Wait(unmarked + `.length === ` + jsonOf(len(before)))
	q.Click("#golive")
	q.Wait(`document.querySelector('#capture').hidden && !location.hash.includes('c=')`)
}

// plain is a line of events without what a stream adds for people.
func plain(t *testing.T, line string) string {
	t.Helper()
	var e wire.Event
	if err := json.Unmarshal([]byte(line), &e); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return jsonOf(e)
}

func jsonOf(v any) string {
	b, _ := json.Marshal(v) // it can
	return string(b)
}

// What is exported as NDJSON is what the gateway's own stream of events says of
// it, and comes back in a page.
func TestExportAndImport(t *testing.T) {
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	p := browser.Start(t).Open(t, url, browser.Visitor{Width: 1100, Height: 1400})
	p.Wait(connected)
	lesson(t, p, 1)
	var text string
	eval(t, p, `new TextDecoder().decode(porthole.export('ndjson'))`, &text)
	resp, err := http.Get(url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	told := map[string]bool{}
	lines := bufio.NewScanner(resp.Body)
	for range strings.Count(text, "\n") {
		if !lines.Scan() {
			t.Fatalf("the stream ends: %v", lines.Err())
		}
		told[plain(t, lines.Text())] = true
	}
	for line := range strings.Lines(text) {
		if line = plain(t, line); !told[line] {
			t.Errorf("the gateway never told\n%s\namong\n%s", line, strings.Join(slices.Sorted(maps.Keys(told)), "\n"))
		}
	}
	var again, wrong string
	eval(t, p, `porthole.load(porthole.export('ndjson').slice(), 'ndjson') || new TextDecoder().decode(porthole.export('ndjson'))`, &again)
	if again != text {
		t.Errorf("what was read is\n%s\nwant\n%s", again, text)
	}
	p.Wait(captured)
	eval(t, p, `porthole.load('{"event":"data"}\n', 'ndjson')`, &wrong)
	if !strings.Contains(wrong, "line 1") {
		t.Errorf("of a bad file is said %q", wrong)
	}
	for format, start := range map[string]string{"mermaid": "sequenceDiagram", "pcapng": "\n\r\r\n"} {
		var head string
		eval(t, p, `new TextDecoder().decode(porthole.export('`+format+`')).slice(0, 20)`, &head)
		if !strings.HasPrefix(head, start) {
			t.Errorf("%s begins with %q", format, head)
		}
	}
}
