package e2e_test

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"porthole/internal/browser"
)

// A terminal's connection to the gateway's own greeter stands on the ladder
// too, and in the list; so does a second socket of the page. Each can be
// followed alone.
func TestConnections(t *testing.T) {
	gw, url := gateway(t, "--greeter", "127.0.0.1:0")
	p := browser.Start(t).Open(t, url, browser.Visitor{Width: 1100, Height: 900})
	p.Wait(connected)
	nc, err := exec.LookPath("nc")
	if err != nil {
		t.Skip("no nc on this machine")
	}
	_, port, err := net.SplitHostPort(greeterOf(t, gw))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nc, "-N", "127.0.0.1", port)
	cmd.Stdin = strings.NewReader("喂")
	out, err := cmd.Output()
	if err != nil || string(out) != "你好喂" {
		t.Fatalf("nc: %q, %v", out, err)
	}
	p.Wait(`[...document.querySelectorAll('#rows .other')].some(r => r.textContent.includes('#2') && r.textContent.includes('你好喂'))`)
	p.Click("#another")
	p.Wait(table + `.filter(r => r.startsWith('client connect')).length === 2`)
	p.Click("#text")
	p.Keys(kb.Enter)
	p.Wait(table + `.includes('client data 15 B')`)
	p.Wait(`document.querySelector('#conn').options.length === 4`) // all, and three
	for number, want := range map[int]string{
		1: "server listening,client connect,server connection",
		2: "server listening,server connection,server data 3 B,server write() 9 B,server end,server end(),server close",
	} {
		eval(t, p, fmt.Sprintf(`{ const c = document.querySelector('#conn'); c.value = '%d'; c.dispatchEvent(new Event('change', { bubbles: true })) }`, number), nil)
		p.Wait(fmt.Sprintf(`%s.map(r => r.replace(/ (\d+\.|ESTAB|CLOSE).*/, '')).sort().join() === %q`, table, strings.Join(slices.Sorted(strings.SplitSeq(want, ",")), ",")))
	}
}

// greeterOf is where a gateway's own greeter listens.
func greeterOf(t *testing.T, gw *process) string {
	t.Helper()
	const words = `msg="greeter listens" addr=`
	gw.says(words)
	_, rest, _ := strings.Cut(gw.stderr.String(), words)
	addr, _, _ := strings.Cut(rest, "\n")
	return addr
}

// The keys of the ladder alone: choose an event, travel its arrow, inspect it,
// filter and come back, freeze and go on.
func TestKeys(t *testing.T) {
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	p := browser.Start(t).Open(t, url, browser.Visitor{Width: 1100, Height: 900})
	p.Wait(connected)
	p.Keys(kb.Enter) // the message has the focus
	p.Wait(table + `.includes('client data 15 B')`)
	current := func(want string) {
		t.Helper()
		p.Wait(fmt.Sprintf(`document.querySelector('#rows [aria-current] .ev')?.textContent.replace(/\s+/g, ' ').includes(%q)`, want))
	}
	for i := 0; ; i++ { // by the tab key
		var at string
		eval(t, p, `document.activeElement.id`, &at)
		if at == "ladder" {
			break
		}
		if i == 40 {
			t.Fatal("the tab key does not lead to the ladder")
		}
		p.Keys(kb.Tab)
	}
	p.Keys(kb.ArrowUp)
	current("data 15 B")
	p.Keys(kb.ArrowLeft)
	current("write() 15 B")
	p.Keys(kb.ArrowUp)
	current("data 9 B")
	p.Keys(kb.ArrowLeft)
	current("write() 9 B")
	p.Keys(kb.ArrowRight)
	current("data 9 B")
	p.Wait(`location.hash.startsWith('#e=')`)
	p.Keys(kb.Enter)
	p.Wait(`document.querySelector('#inspect').contains(document.activeElement) || document.activeElement.id === 'inspect'`)
	search(t, p, "write")
	p.Wait(`document.querySelector('#rows .r.dim:not([hidden])') && [...document.querySelectorAll('#rows .r:not([hidden], .dim) .name')].every(n => n.textContent === 'write()')`)
	current("data 9 B")
	p.Keys(kb.Escape)
	p.Wait(`document.querySelectorAll('#rows .r.dim:not([hidden])').length === 0`)
	current("data 9 B")
	press(t, p, " ")
	p.Wait(`document.querySelector('#freeze').ariaPressed === 'true'`)
	eval(t, p, `porthole.send('第二', 1)`, nil)
	p.Wait(`!document.querySelector('#pill').hidden`)
	var rows []string
	eval(t, p, table, &rows)
	if n := strings.Count(strings.Join(rows, "\n"), "client write()"); n != 1 {
		t.Errorf("a frozen ladder shows %d writes, want 1", n)
	}
	press(t, p, " ")
	p.Wait(table + `.filter(r => r.startsWith('client write()')).length === 2`)
	press(t, p, "?")
	p.Wait(`document.querySelector('#helpbox').open`)
	p.Keys(kb.Escape)
	p.Wait(`!document.querySelector('#helpbox').open`)
}

// search filters by a text, by keys alone.
func search(t *testing.T, p *browser.Page, text string) {
	t.Helper()
	press(t, p, "/")
	p.Wait(`document.activeElement.id === 'filter'`)
	// The driver sends the key's letter although the page has taken the key.
	eval(t, p, `document.querySelector('#filter').select()`, nil)
	p.Keys(text)
}

// A thousand writes are a few lines, which open to all of them.
func TestFolds(t *testing.T) {
	_, url := gateway(t, "--greeter", "127.0.0.1:0")
	p := browser.Start(t).Open(t, url, browser.Visitor{Width: 1100, Height: 900})
	p.Wait(connected)
	eval(t, p, `document.querySelector('#times').value = '1000'`, nil)
	p.Keys(kb.Enter)
	p.Wait(`document.querySelector('#lesson').textContent.includes('1,000 writes')`) // all is written and read
	const count = `Number(document.querySelector('#table').ariaRowCount)`
	var lines, folded int
	eval(t, p, count, &lines)
	if lines > 300 {
		t.Errorf("%d rows for one burst", lines)
	}
	const fold = `document.querySelector('#rows .r:not([hidden]) .fold:not([hidden])')`
	p.Wait(`(() => { // a slow machine's bursts may fill more than the last window
		const box = document.querySelector('#ladder'), last = box.scrollHeight - box.clientHeight
		const found = ` + fold + `
		if (!found) box.scrollTop = box.scrollTop < last - 1 ? box.scrollTop + box.clientHeight : 0
		return found !== null
	})()`)
	eval(t, p, `(() => {
		const fold = `+fold+`
		fold.click()
		return Number(fold.textContent.replace(/\D/g, ''))
	})()`, &folded)
	if folded <= 20 {
		t.Errorf("%d events are folded, want more than 20", folded)
	}
	p.Wait(fmt.Sprintf(`%s >= %d`, count, lines+folded-1)) // and what else its burst has folded
}

// What is read stays where it is while events come.
func TestReadingIsNotDisturbed(t *testing.T) {
	gw, url := gateway(t, "--greeter", "127.0.0.1:0")
	p := browser.Start(t).Open(t, url, browser.Visitor{Width: 1100, Height: 500})
	p.Wait(connected)
	for range 6 {
		lesson(t, p, 0)
	}
	eval(t, p, `document.querySelector('#ladder').scrollTop = 40`, nil)
	p.Wait(`new Promise(requestAnimationFrame).then(() => true)`)
	const top = `(() => {
		const box = document.querySelector('#ladder').getBoundingClientRect()
		const row = [...document.querySelectorAll('#rows .r:not([hidden])')].find(r => r.getBoundingClientRect().top >= box.top)
		return row.textContent + Math.round(row.getBoundingClientRect().top - box.top)
	})()`
	var before, after string
	eval(t, p, top, &before)
	c, err := net.Dial("tcp", greeterOf(t, gw))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 200 {
		if _, err := io.WriteString(c, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 16)); err != nil {
			t.Fatal(err)
		}
	}
	p.Wait(`!document.querySelector('#pill').hidden && parseInt(document.querySelector('#pill').textContent.replace(',', '')) >= 400`)
	eval(t, p, top, &after)
	if after != before {
		t.Errorf("at the top stands %q, was %q", after, before)
	}
	p.Click("#pill")
	p.Wait(`document.querySelector('#pill').hidden`)
}
