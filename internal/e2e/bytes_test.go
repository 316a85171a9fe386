package e2e_test

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// payloads would do something if they were taken for more than text.
var payloads = []string{
	`<img src=x onerror="hacked=1">`,
	`<svg onload=hacked=1>`,
	`"><script>hacked=1</script>`,
	`</textarea></style><script>hacked=1</script>`,
	`<iframe srcdoc="<script>parent.hacked=1</script>">`,
	`javascript:hacked=1`,
	`{{constructor.constructor('hacked=1')()}}`,
	"\u202e\u0000\x1b[31m<b>",
}

// What a peer sends is text in the page, wherever it is shown, and what the
// visitor sends is, too.
func TestPeerBytesAreText(t *testing.T) {
	target := serve(t, func(c *net.TCPConn) {
		for _, p := range payloads {
			_, _ = c.Read(make([]byte, 1<<10)) // an answer to each
			_, _ = io.WriteString(c, p)
		}
		_, _ = io.Copy(io.Discard, c)
	})
	_, url := gateway(t, "--target", target)
	p := browser.Start(t).Open(t, url, browser.Visitor{})
	p.Wait(connected)
	const elements = `document.querySelectorAll('img, iframe, script, style').length`
	eval(t, p, `(globalThis.before = `+elements+`, null)`, nil)
	for i, payload := range payloads { // it is sent as well
		eval(t, p, fmt.Sprintf(`porthole.send(%q, 1)`, payload), nil)
		p.Wait(fmt.Sprintf(`%s.filter(r => r.startsWith('client data')).length === %d`, table, i+1))
	}
	eval(t, p, `document.querySelector('#ladder').focus()`, nil)
	for range 20 { // each row in the inspector
		p.Keys(kb.ArrowUp)
		p.Wait(`document.querySelector('#inspect').textContent !== ''`)
	}
	var found []string
	eval(t, p, `[typeof hacked, String(`+elements+` === before)]`, &found)
	if found[0] != "undefined" || found[1] != "true" {
		t.Errorf("the page has run, or made an element of, what it was sent: %v", found)
	}
}
