package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/wire"
)

// errFull is a session too many.
var errFull = errors.New("this user has as many sessions as he may have")

// visit opens a WebSocket in raw mode by way of haproxy, or at one gateway, and
// tells which answered if it was haproxy that was asked.
func visit(ctx context.Context, at, key, target string) (ws *websocket.Conn, gateway int, err error) {
	h := http.Header{"Authorization": {"Bearer " + key}}
	ws, resp, err := websocket.Dial(ctx, "ws://"+at+"/ws?target="+target, &websocket.DialOptions{HTTPHeader: h})
	if err != nil {
		if resp != nil && resp.StatusCode == http.StatusTooManyRequests {
			return nil, 0, errFull
		}
		return nil, 0, err
	}
	gateway, _ = strconv.Atoi(resp.Header.Get("Gateway")) // none if it was not asked
	return ws, gateway, nil
}

// load is many clients that greet without end, each at a gateway that haproxy
// chose. One whose WebSocket breaks comes again.
type load struct {
	f       *fleet
	work    sync.WaitGroup
	stop    context.CancelFunc
	greeted atomic.Uint64

	mu     sync.Mutex
	broken [3]int // WebSockets of each gateway
	wrong  error  // the first answer that was none
}

func (f *fleet) load(ctx context.Context, clients int) *load {
	l := &load{f: f}
	ctx, l.stop = context.WithCancel(ctx)
	for i := range clients {
		l.work.Go(func() {
			for ctx.Err() == nil {
				l.client(ctx, f.targets[i%len(f.targets)])
			}
		})
	}
	return l
}

// client greets until its WebSocket breaks.
func (l *load) client(ctx context.Context, target string) {
	ws, gateway, err := visit(ctx, l.f.front, workerKey, target)
	if err != nil {
		select { // haproxy has not noticed yet
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
		return
	}
	defer ws.CloseNow()
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	for i := 0; ; i++ {
		select {
		case <-pace.C:
		case <-ctx.Done():
			return
		}
		said := fmt.Sprint("哇咔咔", i)
		want := "你好" + said
		var got []byte
		err := ws.Write(ctx, websocket.MessageBinary, []byte(said))
		for err == nil && len(got) < len(want) {
			var p []byte
			if _, p, err = ws.Read(ctx); err == nil {
				got = append(got, p...)
			}
		}
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		switch {
		case err != nil:
			l.broken[gateway]++
		case string(got) != want && l.wrong == nil:
			l.wrong = fmt.Errorf("%q was answered with %q", said, got)
		}
		l.mu.Unlock()
		if err != nil {
			return
		}
		l.greeted.Add(1)
	}
}

func (l *load) breaks() [3]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// end ends the load, and tells what was wrong with an answer.
func (l *load) end() error {
	l.stop()
	l.work.Wait()
	return l.wrong
}

// watcher reads the events of the whole fleet at one gateway.
type watcher struct {
	seen  atomic.Uint64
	lost  atomic.Uint64
	work  sync.WaitGroup
	stop  context.CancelFunc
	mu    sync.Mutex
	wrong error
	at    map[way]uint64 // how many bytes have gone each way of each connection
}

// way is one direction at one end of a connection.
type way struct {
	side wire.Side
	conn uint64
	kind wire.Kind
}

func (f *fleet) watch(ctx context.Context, gateway int) (*watcher, error) {
	w := &watcher{at: map[way]uint64{}}
	ctx, w.stop = context.WithCancel(ctx)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.gateways[gateway].addr+"/events", nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+watcherKey)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("events of gateway %d: %s", gateway, resp.Status)
	}
	w.work.Go(func() {
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan() && ctx.Err() == nil; { // the last line may be cut
			w.take(lines.Bytes())
		}
	})
	return w, nil
}

// take holds the events of a connection to their order. What was lost may be some
// of them: then it begins anew.
func (w *watcher) take(line []byte) {
	var e struct {
		wire.Event
		Lost uint64 `json:"lost"`
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := json.Unmarshal(line, &e); err != nil {
		w.wrong = err
		return
	}
	if e.Lost > 0 {
		w.lost.Add(e.Lost)
		clear(w.at)
		return
	}
	w.seen.Add(1)
	if e.Kind != wire.Data && e.Kind != wire.CallWrite {
		return
	}
	k := way{e.Side, e.Conn, e.Kind}
	if last, met := w.at[k]; met && e.From != last && w.wrong == nil {
		w.wrong = fmt.Errorf("%s of connection %d: bytes from %d behind those to %d", e.Kind, e.Conn, e.From, last)
	}
	w.at[k] = e.To
}

func (w *watcher) end() error {
	w.stop()
	w.work.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wrong
}

// metric reads one value of a gateway's metrics: 0 if it has none.
func (f *fleet) metric(gateway int, name string) float64 {
	resp, err := http.Get("http://" + f.admins[gateway] + "/metrics")
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		return 0
	}
	for line := range strings.Lines(text.String()) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			n, _ := strconv.ParseFloat(strings.TrimSpace(value), 64)
			return n
		}
	}
	return 0
}
