package e2e_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"porthole/internal/browser"
)

// stopwatch notes how long the page's script takes in each frame in which it
// draws, how much of that is the program's, and how far apart the browser's
// frames are. On a page without a program only the last is known.
const stopwatch = `{
	const raf = requestAnimationFrame
	let script = 0, program = 0, last = 0, draws, programs, gaps
	const clear = () => [draws, programs, gaps] = [[], [], []]
	clear()
	window.requestAnimationFrame = f => raf(now => {
		const began = performance.now()
		f(now)
		script += performance.now() - began
	})
	const tick = now => { // it is the first in each frame
		if (program > 0) {
			draws.push(script)
			programs.push(program)
		}
		script = program = 0
		if (last) gaps.push(now - last)
		last = now
		raf(tick)
	}
	raf(tick)
	document.addEventListener('porthole:ready', () => {
		const frame = porthole.frame
		porthole.frame = (...args) => {
			const began = performance.now()
			const packed = frame(...args)
			program += Math.max(1e-9, performance.now() - began)
			return packed
		}
	})
	window.work = ms => { // draws so much in each frame, measured now
		const step = n => { for (let i = 0; i < n; i++) document.title.length }
		const time = n => {
			const began = performance.now()
			step(n)
			return performance.now() - began
		}
		let steps = 1000
		while (time(steps) < 50) steps *= 2 // it is compiled well by now
		steps *= ms / time(steps)
		const draw = () => {
			program = 1e-9
			step(steps)
			requestAnimationFrame(draw)
		}
		draw()
	}
	const p = (list, share) => list.sort((a, b) => a - b)[Math.floor(list.length * share)] ?? 0
	window.take = () => {
		const taken = {
			Draws: draws.length, Draw: p(draws, .5), DrawP95: p(draws, .95), ProgramP95: p(programs, .95),
			Frames: gaps.length, Gap: p(gaps, .5), GapP95: p(gaps, .95), GapP99: p(gaps, .99),
			Nodes: document.querySelectorAll('*').length,
		}
		clear()
		return taken
	}
}`

type frames struct {
	Draws, Frames, Nodes                           int
	Draw, DrawP95, ProgramP95, Gap, GapP95, GapP99 float64 // ms
}

// TestFrames measures the page under 20,000 events a second over the real
// chain, and in 100,000 events at rest. The floor is an empty page that works
// for 2 ms in each frame, while the same events come and go and no page hears
// of them: what this machine has to give. Only what does not depend on it is
// asserted; the rest is for the reader. `make frames` runs it.
func TestFrames(t *testing.T) {
	if os.Getenv("FRAMES") == "" {
		t.Skip("make frames measures")
	}
	const perSecond, conns, live, least = 20_000, 4, 10 * time.Second, 100_000
	gw, url := gateway(t, "--greeter", "127.0.0.1:0")
	target := greeterOf(t, gw)
	b := browser.Start(t)
	visitor := browser.Visitor{Width: 1100, Height: 844, Before: stopwatch}

	// measure tells how p's frames were while something was done.
	measure := func(p *browser.Page, what string, do func()) frames {
		eval(t, p, `take()`, nil)
		usage := busy()
		do()
		var got frames
		eval(t, p, `take()`, &got)
		t.Logf("%-10s frame gap p50 %.1f p95 %.1f p99 %.1f ms (%d), draw p50 %.2f p95 %.2f ms (%d), of that the program p95 %.2f ms, %d nodes; %s",
			what, got.Gap, got.GapP95, got.GapP99, got.Frames, got.Draw, got.DrawP95, got.Draws, got.ProgramP95, got.Nodes, usage())
		if got.Nodes >= 1500 {
			t.Errorf("%d DOM nodes, want fewer than 1500", got.Nodes)
		}
		return got
	}
	total := 0
	stream := func() {
		n := 2 * load(t, target, conns, perSecond/2/conns, live) // a ping is a data and a write() of the server
		t.Logf("%d events a second", int(float64(n)/live.Seconds()))
		total += n
	}

	empty := b.Open(t, "data:text/html,<title>empty</title>", visitor)
	eval(t, empty, `(work(2), true)`, nil)
	floor := measure(empty, "floor", stream)
	empty.Navigate("about:blank") // it draws no more

	total = 0
	p := b.Open(t, url, visitor)
	p.Wait(connected)
	measure(p, "idle", func() { eval(t, p, `new Promise(done => setTimeout(done, 2000))`, nil) })
	stream() // until the browser has compiled well what is run often, and all rows are taken
	got := measure(p, "live", stream)
	t.Logf("live / floor: frame gap p95 %.2f, draw p95 %.2f", got.GapP95/floor.GapP95, got.DrawP95/floor.DrawP95)

	const kept = `(async () => {
		const { decode } = await import(new URL('frame.js', document.querySelector('[type=module]').src))
		return decode(porthole.frame(0, 1)).matches
	})()`
	p.Wait(fmt.Sprintf("%s.then(n => n >= %d)", kept, min(least, total)))
	if total < least {
		t.Errorf("%d events came, want %d: the machine is too slow for this load", total, least)
	}
	scroll := func() {
		eval(t, p, `(async () => {
			const box = document.querySelector('#ladder')
			for (let i = 0; i < 400; i++) {
				await new Promise(requestAnimationFrame)
				box.scrollTop = i === 200 ? box.scrollHeight / 2 : box.scrollTop + 37
			}
			return true
		})()`, nil)
	}
	eval(t, p, `(document.querySelector('#ladder').scrollTop = 0, true)`, nil)
	measure(p, "folded", scroll)
	var lines int
	eval(t, p, `(async () => { // opens every fold
		const { decode, Flag } = await import(new URL('frame.js', document.querySelector('[type=module]').src))
		for (let at = 0; ;) {
			const { lines, total } = decode(porthole.frame(at, 1000))
			const fold = lines.find(l => l.flags & Flag.FOLD)
			if (fold) porthole.toggle(fold.id)
			else if ((at += 1000) >= total) return total
		}
	})()`, &lines)
	if lines < min(least, total) {
		t.Errorf("%d lines, want %d", lines, least)
	}
	eval(t, p, `(document.querySelector('#ladder').scrollTop = 1, true)`, nil)
	p.Wait(fmt.Sprintf(`document.querySelector('#table').ariaRowCount > %d`, min(least, total)))
	measure(p, "unfolded", scroll)
}

// busy begins to measure how much of the machine is in use, by whomever; what it
// returns tells how much it was.
func busy() func() string {
	used := func() (idle, all float64) {
		stat, err := os.ReadFile("/proc/stat")
		if err != nil {
			return 0, 0 // another system
		}
		line, _, _ := strings.Cut(string(stat), "\n")
		for i, field := range strings.Fields(line)[1:] {
			var n float64
			_, _ = fmt.Sscan(field, &n)
			if all += n; i == 3 || i == 4 { // idle, iowait
				idle += n
			}
		}
		return idle, all
	}
	idle, all := used()
	return func() string {
		i, a := used()
		if a == all {
			return "load unknown"
		}
		return fmt.Sprintf("machine %.0f%% busy, %d cores", 100*(1-(i-idle)/(a-all)), runtime.NumCPU())
	}
}

// load pings a greeter on so many connections, each so often a second, and
// returns how many answers came.
func load(t *testing.T, target string, conns, rate int, length time.Duration) int {
	var all sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range conns {
		c, err := net.Dial("tcp", target)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		all.Go(func() {
			buf := make([]byte, 64)
			n := 0
			for began := time.Now(); time.Since(began) < length; {
				for due := int(time.Since(began).Seconds() * float64(rate)); n < due; n++ {
					if _, err := io.WriteString(c, "哇咔咔"); err != nil {
						t.Error(err)
						return
					}
					if _, err := io.ReadAtLeast(c, buf, len("你好哇咔咔")); err != nil {
						t.Error(err)
						return
					}
				}
				<-time.After(time.Millisecond)
			}
			mu.Lock()
			defer mu.Unlock()
			total += n
		})
	}
	all.Wait()
	return total
}
