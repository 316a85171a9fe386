package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// table is the ladder's rows, from the top, in words: side, name and size, and
// the chip if there is one.
const table = `[...document.querySelectorAll('#rows > .r:not([hidden])')]
	.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map(r => r.querySelector('.ev'))
	.map(e => [e.classList.contains('c') ? 'client' : e.classList.contains('s') ? 'server' : 'mark',
		...['.name', '.n', '.chip'].map(s => e.querySelector(s).textContent)].filter(w => w).join(' '))`

// lessons are the experiments, each on real sockets, and what must be seen of
// each: what a kernel may do otherwise is not among it.
var lessons = []struct {
	name  string
	guess bool
	said  string   // by the line behind it
	rows  []string // in this order, others between them
	shown string   // by the inspector's title
}{
	{"greet", false, "你好哇咔咔", []string{"client write() 9 B", "server data 9 B", "server write() 15 B", "client data 15 B"}, "1 write → 1 read"},
	{"stick", true, "45", []string{
		"server pause()", "client write() 9 B", "client write() 9 B", "client write() 9 B", "client write() 9 B", "client write() 9 B",
		"server resume()", "server data 45 B 5→1", "server write() 51 B", "client data 51 B",
	}, "5 writes → 1 read"},
	{"split", false, "4 + 2", []string{"client write() 6 B 1→2", "server data 4 B", "server data 2 B"}, "1 write → 2 reads"},
	{"halfclose", false, "15", []string{
		"server pause()", "client write() 9 B", "client end()", "server resume()", "server data 9 B", "server write() 15 B",
		"client data 15 B", "client end", "client close",
	}, "1 write → 1 read"},
	{"reset", false, "ECONNRESET", []string{"server reset()", "client error ECONNRESET", "client close hadError=true"}, "error"},
	{"backpressure", false, "drain", []string{"server pause()", "server resume()", "client drain"}, "drain"},
}

// press presses a key of the ladder.
func press(t *testing.T, p *browser.Page, key string) {
	t.Helper()
	eval(t, p, `document.querySelector('#ladder').focus()`, nil)
	p.Keys(key)
}

// lesson runs one of the lessons to its end.
func lesson(t *testing.T, p *browser.Page, n int) {
	t.Helper()
	l := lessons[n]
	// It may be busy for a few frames only, and have said the same before.
	eval(t, p, `{
		window.began = false
		const list = document.querySelector('#lessons')
		new MutationObserver((_, observer) => {
			if (list.ariaBusy !== 'true') return
			window.began = true
			observer.disconnect()
		}).observe(list, { attributes: true })
	}`, nil)
	press(t, p, fmt.Sprint(n+1))
	if l.guess {
		p.Click(`#guesses button:nth-child(3)`)
	}
	p.Wait(fmt.Sprintf(`began && document.querySelector('#lessons').ariaBusy !== 'true' && document.querySelector('#lesson').textContent.includes(%q)`, l.said))
}

// TestLessons runs them one after the other in one page, by the keys of the
// ladder, as a class would.
func TestLessons(t *testing.T) {
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	p := browser.Start(t).Open(t, url, browser.Visitor{Width: 1100, Height: 1600})
	p.Wait(connected)
	for i, l := range lessons {
		t.Run(l.name, func(t *testing.T) {
			lesson(t, p, i)
			if l.guess {
				p.Wait(`document.querySelector('#was').textContent.includes('It was 1')`)
			}
			if l.name == "backpressure" { // a hundred writes and reads lie between
				eval(t, p, `porthole.filter('', 2, 0, true)`, nil)
				p.Wait(table + `.length < 60`)
			}
			var rows []string
			eval(t, p, table, &rows)
			rest := rows
			for _, want := range l.rows {
				at := -1
				for j, row := range rest {
					if row == want {
						at = j
						break
					}
				}
				if at < 0 {
					t.Fatalf("no %q behind what came before it, in\n%s", want, strings.Join(rows, "\n"))
				}
				rest = rest[at+1:]
			}
			p.Wait(fmt.Sprintf(`document.querySelector('#inspect').textContent.includes(%q)`, l.shown))
		})
	}
}

// The server's verbs, by hand: what they do shows at both ends.
func TestServerVerbs(t *testing.T) {
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	p := browser.Start(t).Open(t, url, browser.Visitor{Width: 1100, Height: 900})
	p.Wait(connected)
	p.Click("#pause")
	p.Wait(table + `.includes('server pause()')`)
	p.Click("#text")
	p.Keys(kb.Enter)
	p.Wait(`document.querySelector('#c2s').innerText.includes('9 B unread')`) // the server's kernel holds them
	p.Click("#pause")
	p.Wait(table + `.includes('client data 15 B')`)
	p.Click("#server-end")
	p.Wait(table + `.at(-1).endsWith(' close')`)
	var rows []string
	eval(t, p, table, &rows)
	for _, want := range []string{"server end()", "client end", "client end()", "server end", "client close", "server close"} {
		if !strings.Contains(strings.Join(rows, "\n")+"\n", want+"\n") {
			t.Errorf("no %q in\n%s", want, strings.Join(rows, "\n"))
		}
	}
}

// A server that is closed takes no one else, and has closed when the last
// connection has; then it listens again.
func TestCloseAndStartServer(t *testing.T) {
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	p := browser.Start(t).Open(t, url, browser.Visitor{Width: 1100, Height: 900})
	p.Wait(connected)
	p.Click("#listener")
	p.Wait(table + `.at(-1) === 'server close()'`)
	p.Wait(`document.querySelector('.end.server').innerText.includes('closing · 1 open')`)
	p.Click("#destroy")
	p.Wait(table + `.filter(r => r.startsWith('server close')).length === 3`) // the call, the socket's and the server's
	p.Click("#text")
	p.Keys(kb.Enter) // Connect
	p.Wait(table + `.at(-1) === 'client close hadError=true'`)
	p.Wait(`document.querySelector('#card').textContent.includes('Nothing listens')`)
	p.Click("#listener")
	p.Wait(table + `.at(-1).startsWith('server listening')`)
	p.Click("#text")
	p.Keys(kb.Enter)
	p.Wait(connected)
}
