package e2e_test

import (
	"os"
	"strings"
	"testing"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/internal/browser"
	"porthole/internal/bustest"
)

// What a socket of another gateway does, and its server, stands on the ladder of a
// page that may see it.
func TestFleetOnLadder(t *testing.T) {
	bus, _ := bustest.NATS(t, t.TempDir(), -1)
	_, here := gateway(t, "--greeter", "127.0.0.1:0", "--bus", bus)
	_, there := gateway(t, "--greeter", "127.0.0.1:0", "--bus", bus)
	p := browser.Start(t).Open(t, here, browser.Visitor{Width: 1100, Height: 900})
	p.Wait(connected)
	ws, _, err := websocket.Dial(t.Context(), strings.Replace(strings.TrimSuffix(there, "/"), "http", "ws", 1)+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if err := ws.Write(t.Context(), websocket.MessageBinary, []byte("喂")); err != nil {
		t.Fatal(err)
	}
	p.Wait(table + `.filter(r => r.startsWith('client connect')).length === 2`)
	p.Wait(table + `.filter(r => r.startsWith('server connection')).length === 2`)
	p.Wait(table + `.includes('client data 9 B')`)
	if dir := os.Getenv("SHOTS"); dir != "" {
		p.Screenshot(dir + "/fleet-1100.png")
	}
}
