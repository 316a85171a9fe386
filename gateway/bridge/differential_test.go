package bridge_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	//lint:file-ignore SA1019 the library is the project's choice, here for its client
	"nhooyr.io/websocket"

	"porthole/gateway/bridge"
)

// npm is a program in Node over the package ws: a WebSocket that no one here
// wrote. It reads and prints lines of JSON, and ends with the test.
type npm struct {
	t     testing.TB
	stdin io.Writer
	lines *bufio.Reader
}

func startNPM(t testing.TB, program string) *npm {
	t.Helper()
	required := os.Getenv("BROWSER") == "required"
	module, err := filepath.Abs(filepath.Join("..", "..", "internal", "tools", "node_modules", "ws"))
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join("testdata", program)
	for _, file := range []string{program, filepath.Join(module, "package.json")} { // the go command notes what was opened
		f, err := os.Open(file)
		if errors.Is(err, fs.ErrNotExist) && !required {
			t.Skip("npm's ws is not here: make tools gets it")
		}
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
	node, err := exec.LookPath("node")
	if err != nil && !required {
		t.Skip("no node on this machine: no WebSocket but Go's is tried")
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
	cmd := exec.CommandContext(ctx, node, program, module)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		if stderr.Len() > 0 {
			t.Errorf("%s: %s", program, stderr.String())
		}
	})
	return &npm{t, stdin, bufio.NewReader(stdout)}
}

func (n *npm) next(v any) {
	n.t.Helper()
	line, err := n.lines.ReadBytes('\n')
	if err != nil {
		n.t.Fatal(err)
	}
	if err := json.Unmarshal(line, v); err != nil {
		n.t.Fatal(err)
	}
}

// step is something that a client does.
type step struct {
	Kind string `json:"kind"` // "text", "binary", "ping" or "pong"
	Fin  bool   `json:"fin"`  // of a message; its fragments follow each other
	Data []byte `json:"data"`
}

// play is what a client does, and what must come of it.
type play struct {
	URL    string `json:"url"`
	Steps  []step `json:"steps"`
	Size   int    `json:"size"`  // of all messages
	Pings  int    `json:"pings"` // each with its number
	Code   int    `json:"code"`  // to close with; 0 for none, -1 if the server ends
	Reason []byte `json:"reason"`

	all string // what the messages carry
}

// drawPlay draws a play. If the server ends, the last step brings payload, behind
// which nothing is under way any more.
func drawPlay(r *rand.Rand) *play {
	p := &play{}
	for range 1 + r.IntN(6) {
		p.drawMessage(r)
	}
	p.Code, p.Reason = drawCode(r), []byte(drawText(r, r.IntN(124)))
	if p.Code == 0 {
		p.Reason = nil
	}
	if r.IntN(4) == 0 {
		p.Code, p.Reason = -1, nil
		p.Steps = append(p.Steps, step{"binary", true, []byte("!")})
		p.all += "!"
	}
	p.Size = len(p.all)
	return p
}

// drawMessage draws a message in any number of fragments, with control frames
// between them.
func (p *play) drawMessage(r *rand.Rand) {
	kind, payload := "binary", string(noise(drawSize(r)))
	if r.IntN(2) == 0 {
		kind, payload = "text", drawText(r, drawSize(r))
	}
	p.all += payload
	for more := r.IntN(5); more >= 0; more-- {
		switch r.IntN(6) {
		case 0:
			p.Steps = append(p.Steps, step{"ping", true, []byte(strconv.Itoa(p.Pings))})
			p.Pings++
		case 1:
			p.Steps = append(p.Steps, step{"pong", true, noise(r.IntN(126))})
		}
		n := len(payload)
		if more > 0 {
			n = r.IntN(n + 1)
		}
		p.Steps = append(p.Steps, step{kind, more == 0, []byte(payload[:n])})
		payload = payload[n:]
	}
}

// drawSize draws a length, most often near where its form changes.
func drawSize(r *rand.Rand) int {
	borders := []int{0, 1, 2, 125, 126, 127, 1 << 10, 65535, 65536, 65537}
	if i := r.IntN(len(borders) + 4); i < len(borders) {
		return borders[i]
	}
	return r.IntN(1 << (4 + r.IntN(14)))
}

// drawText draws UTF-8 of at most so many bytes.
func drawText(r *rand.Rand, size int) string {
	runes := []rune("aé哇😀\x00߿ࠀ\uffff\U0010ffff")
	var b strings.Builder
	for {
		c := string(runes[r.IntN(len(runes))])
		if b.Len()+len(c) > size {
			return b.String()
		}
		b.WriteString(c)
	}
}

// drawCode draws a close code that may be sent, or none.
func drawCode(r *rand.Rand) int {
	codes := []int{0, 1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000 + r.IntN(1000), 4000 + r.IntN(1000)}
	return codes[r.IntN(len(codes))]
}

// outcome is what a client saw.
type outcome struct {
	Echo   []byte   `json:"echo"`
	Pongs  []string `json:"pongs"`
	Code   int      `json:"code"`
	Reason string   `json:"reason"`
	Error  string   `json:"error"`
}

// perform plays with nhooyr's client, whose pings it numbers itself and which
// sends no pong of its own accord.
func perform(t *testing.T, p *play) (got outcome) {
	ws := dialWS(t, p.URL)
	ws.SetReadLimit(1 << 20)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	back, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			_, msg, err := ws.Read(ctx)
			if err != nil {
				e, _ := errors.AsType[websocket.CloseError](err)
				got.Code, got.Reason = int(e.Code), e.Reason
				return
			}
			before := len(got.Echo)
			got.Echo = append(got.Echo, msg...)
			if before < p.Size && len(got.Echo) >= p.Size {
				close(back)
			}
		}
	}()
	if err := p.send(ctx, ws); err != nil && p.Code >= 0 { // a server that ends may be faster
		t.Error(err)
	}
	if p.Code >= 0 {
		if p.Size > 0 {
			select {
			case <-back:
			case <-ended: // too early
			}
		}
		code := websocket.StatusCode(p.Code)
		if code == 0 {
			code = websocket.StatusNoStatusRcvd
		}
		err := ws.Close(code, string(p.Reason))
		<-ended
		if got.Code == 0 && err == nil { // it was Close that read the answer, and the same code
			got.Code = int(code)
		}
	}
	<-ended
	return got
}

func (p *play) send(ctx context.Context, ws *websocket.Conn) error {
	kinds := map[string]websocket.MessageType{"text": websocket.MessageText, "binary": websocket.MessageBinary}
	var w io.WriteCloser // of a message in fragments
	for _, s := range p.Steps {
		var err error
		switch {
		case s.Kind == "pong":
		case s.Kind == "ping":
			if p.Code >= 0 { // else the answer may be none
				err = ws.Ping(ctx)
			}
		case w == nil && s.Fin:
			err = ws.Write(ctx, kinds[s.Kind], s.Data)
		default:
			if w == nil {
				if w, err = ws.Writer(ctx, kinds[s.Kind]); err != nil {
					return err
				}
			}
			_, err = w.Write(s.Data)
			if err == nil && s.Fin { // the library adds an empty fragment
				err = w.Close()
				w = nil
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// The same play with two clients that were not written for each other: the
// server reads what was sent, all of it comes back, and the close code too.
func TestDifferentClients(t *testing.T) {
	client := startNPM(t, "ws_client.cjs")
	for seed := range uint64(50) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			p := drawPlay(rand.New(rand.NewPCG(seed, 1)))
			for _, name := range []string{"nhooyr", "ws"} {
				target, record := stage(t, p)
				p.URL = "ws://" + serve(t, to(target)) + "/"
				var got outcome
				if name == "nhooyr" {
					got = perform(t, p)
				} else {
					if err := json.NewEncoder(client.stdin).Encode(p); err != nil {
						t.Fatal(err)
					}
					client.next(&got)
					numbers := heard{pongs: got.Pongs}
					var pings []string
					for i := range p.Pings {
						pings = append(pings, strconv.Itoa(i))
					}
					if p.Code >= 0 && !numbers.answers(pings) {
						t.Errorf("%s: %d pings have the answers %q", name, p.Pings, got.Pongs)
					}
				}
				if got.Error != "" {
					t.Errorf("%s: %s", name, got.Error)
				}
				if string(got.Echo) != p.all {
					t.Errorf("%s: %d bytes come back that are not the %d that were sent", name, len(got.Echo), p.Size)
				}
				if read := record(); read != p.all {
					t.Errorf("%s: the server read %d bytes that are not the %d that were sent", name, len(read), p.Size)
				}
				code, reason := p.Code, "" // the answer to a close frame may say why again, and need not
				switch p.Code {
				case 0:
					code = 1005
				case -1:
					code, reason = 1000, "the server has ended"
				}
				if got.Code != code || got.Reason != reason {
					t.Errorf("%s: close code %d %q, want %d %q", name, got.Code, got.Reason, code, reason)
				}
			}
		})
	}
}

// stage is an echo for a play: it ends when it has it all, if it is to end.
func stage(t *testing.T, p *play) (bridge.Target, func() string) {
	if p.Code >= 0 {
		return recorder(t, true)
	}
	records := make(chan string, 1)
	target := peer(t, func(c *net.TCPConn) {
		var b strings.Builder
		if _, err := io.CopyN(c, io.TeeReader(c, &b), int64(p.Size)); err == nil {
			_ = c.CloseWrite()
		}
		records <- b.String()
		_, _ = io.Copy(io.Discard, c) // until the gateway ends too
	})
	return target, func() string {
		select {
		case s := <-records:
			return s
		case <-time.After(patience):
			return "nothing"
		}
	}
}
