package e2e_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// The greeter serves from the tab, at the address that the gateway's own had:
// whoever dials it there reaches the tab, and both ends stand on the ladder.
func TestServerInTheTab(t *testing.T) {
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	p := browser.Start(t).Open(t, url, browser.Visitor{})
	p.Wait(connected)
	p.Click("#intab")
	p.Wait(`document.querySelector('#tabsays').textContent.includes('nc 127.0.0.1 ')`)
	p.Wait(connected + ` && document.querySelector('#go').textContent === 'Send'`)
	p.Wait(`document.querySelector('#listener').textContent === 'close server' && document.querySelector('#listener-state').hidden`)
	eval(t, p, `document.querySelector('#text').focus()`, nil)
	p.Keys(kb.Enter)
	p.Wait(`document.body.innerText.includes('你好哇咔咔')`)
	p.Wait(table + `.some(r => r.startsWith('server write() 15 B'))`)

	var says string
	eval(t, p, `document.querySelector('#tabsays').textContent`, &says)
	_, rest, _ := strings.Cut(says, "nc ")
	host, rest, _ := strings.Cut(rest, " ")
	port, _, _ := strings.Cut(rest, " ")
	c, err := net.Dial("tcp", net.JoinHostPort(host, port))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "哇咔咔"); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); string(got) != "你好哇咔咔" || err != nil {
		t.Errorf("from outside: %q, %v", got, err)
	}
	p.Click("#intab") // it ends, and its port is free
	p.Wait(`document.querySelector('#intab').textContent === 'Run the server in this tab'`)
	if c, err := net.Dial("tcp", net.JoinHostPort(host, port)); err == nil {
		_ = c.Close()
		t.Error("someone listens there still")
	}
	p.Wait(`document.querySelector('#listener').textContent === 'Start server'`)
	p.Click("#listener") // the gateway's own takes over
	p.Wait(connected)
}
