//go:build !js

package netconn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	//lint:file-ignore SA1019 the library is the project's choice; this is its client
	"nhooyr.io/websocket"

	"porthole/wire"
)

// socket is a WebSocket outside of a page. What is sent waits in a queue, which
// the streams' windows bound, for the goroutine that writes.
type socket struct {
	s      *session
	ctx    context.Context
	cancel context.CancelFunc

	mu   sync.Mutex
	out  [][]byte
	wake chan struct{} // there is something in out, or no more will be
	last bool          // behind what is in out the WebSocket ends
}

// open opens the WebSocket, and tells the session when it is open or has failed.
func (s *session) open(d *Dialer) {
	k := &socket{s: s, wake: make(chan struct{}, 1)}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	s.start(k)
	go k.run(d.URL, d.Protocols, d.Header)
}

func (k *socket) run(url string, protocols []string, header http.Header) {
	defer k.cancel()
	if url == "" {
		k.s.gone(errors.New("netconn: Dialer.URL is the gateway's WebSocket, and there is none"))
		return
	}
	ws, resp, err := websocket.Dial(k.ctx, url, &websocket.DialOptions{
		HTTPHeader: header, Subprotocols: append([]string{wire.Subprotocol}, protocols...),
	})
	if err != nil {
		if resp != nil && (resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden) {
			err = fmt.Errorf("%w: %w", errBarred, err)
		}
		k.s.gone(err)
		return
	}
	ws.SetReadLimit(wire.MaxMessage)
	var writing sync.WaitGroup
	writing.Go(func() { k.write(ws) })
	for {
		_, msg, err := ws.Read(k.ctx)
		if err != nil {
			k.s.gone(ended(err))
			break
		}
		k.s.receive(msg)
	}
	k.cancel()
	writing.Wait()
	_ = ws.CloseNow() // it has ended
}

// ended is how a WebSocket has, that tells so in reading.
func ended(err error) *Gone {
	if e, ok := errors.AsType[websocket.CloseError](err); ok {
		return &Gone{Code: int(e.Code), Reason: e.Reason}
	}
	return &Gone{Code: int(websocket.StatusAbnormalClosure), Reason: err.Error()}
}

// write writes what is sent until the WebSocket ends.
func (k *socket) write(ws *websocket.Conn) {
	for {
		select {
		case <-k.wake:
		case <-k.ctx.Done():
			return
		}
		k.mu.Lock()
		out, last := k.out, k.last
		k.out = nil
		k.mu.Unlock()
		for _, msg := range out {
			if ws.Write(k.ctx, websocket.MessageBinary, msg) != nil {
				return // it shows in reading
			}
		}
		if last {
			_ = ws.Close(websocket.StatusNormalClosure, "")
			return
		}
	}
}

// Send is client.Socket's.
func (k *socket) Send(msg []byte) {
	k.mu.Lock()
	k.out = append(k.out, append([]byte(nil), msg...))
	k.mu.Unlock()
	k.stir()
}

// Close is client.Socket's.
func (k *socket) Close(int, string) { k.cut() }

// cut ends the WebSocket behind what was sent.
func (k *socket) cut() {
	k.mu.Lock()
	k.last = true
	k.mu.Unlock()
	k.stir()
}

func (k *socket) stir() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}
