package e2e_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"porthole/internal/browser"
)

// ways are how the gateway ends a WebSocket by itself, as a page brings it
// about, and what the browser must see of it.
var ways = []struct{ name, query, protocol, send, want string }{
	{"text in porthole.v1", "", "porthole.v1", `'no text here'`, "1003 only binary messages are understood here"},
	{"a message too big", "", "porthole.v1", `new Uint8Array(65537)`, "1009 a message is at most 65536 bytes"},
	{"a megabyte too big", "", "porthole.v1", `new Uint8Array(1 << 20)`, "1009 a message is at most 65536 bytes"},
	{"a message that breaks the rules", "", "porthole.v1", `new Uint8Array([1])`, "1002 wire: message is cut short"},
	{"a target that is not listed", "?target=unlisted.test:1", "", ``, "1008 EACCES: connect"},
	{"empty messages without end", "", "", `'', 1500`, "1008 too many control frames, or empty ones"},
}

// What the gateway says as it closes is what the page reads, every time: a frame
// too many behind it, or bytes that were not read before the connection ends,
// and a browser calls the same close 1006. It is clean, unless bytes of the
// page's own are still unsent: then Chromium calls none so.
func TestBrowserSeesEachClose(t *testing.T) {
	const times = 40
	b := browser.Start(t)
	gw, url := gateway(t, "--target", serve(t, echo))
	p := b.Open(t, url, browser.Visitor{})
	p.Wait(connected)
	eval(t, p, `(window.socket = (query, protocol) => {
		const ws = new WebSocket('ws://' + location.host + '/ws' + query, protocol ? [protocol] : [])
		const opened = new Promise(resolve => ws.onopen = resolve)
		const closed = new Promise(resolve => ws.onclose = e => {
			const clean = e.wasClean || ws.bufferedAmount > 0
			resolve([e.code, clean ? '' : 'unclean', e.reason].filter(String).join(' '))
		})
		return { ws, opened, closed }
	}, window.count = async closes => {
		const seen = {}
		for (const how of await Promise.all(closes)) seen[how] = (seen[how] ?? 0) + 1
		return seen
	}, true)`, nil)
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			var seen map[string]int
			eval(t, p, fmt.Sprintf(`(async () => {
				const [message, times = 1] = [%s]
				const closes = []
				for (let i = 0; i < %d; i++) {
					const { ws, opened, closed } = socket(%q, %q)
					await opened
					for (let n = 0; message !== undefined && n < times; n++) ws.send(message)
					closes.push(i %% 2 ? closed : await closed) // alone, and with others
				}
				return count(closes)
			})()`, way.send, times, way.query, way.protocol), &seen)
			wantAll(t, seen, way.want, times)
		})
	}
	t.Run("the gateway stops", func(t *testing.T) {
		adrift(p) // the page tries to come back
		eval(t, p, fmt.Sprintf(`(async () => {
			window.left = []
			for (let i = 0; i < %d; i++) {
				const { ws, opened, closed } = socket('', i %% 2 ? 'porthole.v1' : '')
				await opened
				if (i %% 4 === 0) ws.send(new Uint8Array(100000)) // its echo is under way
				left.push(closed)
			}
			return true
		})()`, times), nil)
		gw.term()
		var seen map[string]int
		eval(t, p, `count(left)`, &seen)
		wantAll(t, seen, "1001 the gateway is leaving", times)
		if status := gw.wait(); status != 0 {
			t.Errorf("the gateway exits with %d", status)
		}
	})
}

func wantAll(t *testing.T, seen map[string]int, want string, times int) {
	t.Helper()
	if seen[want] == times && len(seen) == 1 {
		return
	}
	var how []string
	for _, s := range slices.SortedFunc(maps.Keys(seen), cmp.Compare[string]) {
		how = append(how, fmt.Sprintf("%d times %q", seen[s], s))
	}
	t.Errorf("seen %s, want %d times %q", strings.Join(how, ", "), times, want)
}
