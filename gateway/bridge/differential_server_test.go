package bridge_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// finale is how a client ends a WebSocket, well or not.
type finale struct {
	name string
	draw func(r *rand.Rand) (send string, code int) // code is what must come; 0 for a close frame that says nothing

	// Where ws does otherwise, the code that it sends, and why it may not.
	theirs int
	reason string
}

// finales come behind whole messages.
var finales = []finale{
	{name: "close", draw: func(r *rand.Rand) (string, int) {
		code := drawCode(r)
		if code == 0 {
			return drawFrame(r, 0x80|opClose, ""), 0
		}
		return drawFrame(r, 0x80|opClose, says(code)+drawText(r, r.IntN(124))), code
	}},
	{name: "close inside a message", draw: func(r *rand.Rand) (string, int) {
		return drawFrame(r, opText, "begun") + drawFrame(r, 0x80|opClose, says(1001)), 1001
	}},
	{name: "frames behind close", draw: func(r *rand.Rand) (string, int) {
		return drawFrame(r, 0x80|opClose, says(1000)) + drawFrame(r, byte(r.IntN(256)), "late"), 1000
	}},
	{name: "a code that is none", draw: func(r *rand.Rand) (string, int) {
		code := []int{r.IntN(1000), 1004 + r.IntN(3), 1015 + r.IntN(3000-1015), 5000 + r.IntN(1<<16-5000)}[r.IntN(4)]
		return drawFrame(r, 0x80|opClose, says(code)+drawText(r, r.IntN(124))), 1002
	}},
	{name: "half a code", draw: func(r *rand.Rand) (string, int) {
		return drawFrame(r, 0x80|opClose, drawBytes(r, 1)), 1002
	}},
	{name: "a reason that is no text", draw: func(r *rand.Rand) (string, int) {
		return drawFrame(r, 0x80|opClose, says(1000)+drawSlip(r, 100)), 1007
	}},
	{name: "text that is none", draw: func(r *rand.Rand) (string, int) {
		text := drawSlip(r, 300)
		cut := r.IntN(len(text) + 1)
		return drawFrame(r, opText, text[:cut]) + drawFrame(r, 0x80|opPing, "") + drawFrame(r, 0x80|opContinuation, text[cut:]), 1007
	}},
	{name: "no mask", draw: func(r *rand.Rand) (string, int) {
		opcode := []byte{opText, opBinary, opClose, opPing, opPong}[r.IntN(5)]
		return unmasked(frame(true, opcode, "hello")), 1002
	}},
	{name: "reserved bits", draw: func(r *rand.Rand) (string, int) {
		first := byte(1+r.IntN(7))<<4 | 0x80
		return drawFrame(r, first|[]byte{opText, opBinary, opClose, opPing, opPong}[r.IntN(5)], "hello"), 1002
	}},
	{name: "a reserved opcode", draw: func(r *rand.Rand) (string, int) {
		return drawFrame(r, 0x80|[]byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15}[r.IntN(10)], drawBytes(r, r.IntN(300))), 1002
	}},
	{name: "a long control frame", draw: func(r *rand.Rand) (string, int) {
		return drawFrame(r, 0x80|opClose+byte(r.IntN(3)), drawBytes(r, 126+r.IntN(70000))), 1002
	}},
	{name: "a control frame in fragments", draw: func(r *rand.Rand) (string, int) {
		return drawFrame(r, opClose+byte(r.IntN(3)), says(1000)), 1002
	}},
	{name: "a fragment of nothing", draw: func(r *rand.Rand) (string, int) {
		return drawFrame(r, byte(r.IntN(2))<<7|opContinuation, "hello"), 1002
	}},
	{name: "a message inside a message", draw: func(r *rand.Rand) (string, int) {
		return drawFrame(r, opBinary, "begun") + drawFrame(r, byte(r.IntN(2))<<7|opText+byte(r.IntN(2)), "hello"), 1002
	}},
	{name: "a length of 63 bits and one more", draw: func(r *rand.Rand) (string, int) {
		return long(opBinary, 8, 1<<63|r.Uint64(), ""), 1002
	}, theirs: 1009, reason: "§5.2: the most significant bit must be 0, whatever the size; ws looks at the size first"},
	{name: "a length in too many bytes", draw: func(r *rand.Rand) (string, int) {
		n := r.IntN(126)
		return long(opBinary, 2+6*r.IntN(2), uint64(n), drawBytes(r, n)) + closeFrame(1000, ""), 1002
	}, theirs: 1000, reason: "§5.2: the minimal number of bytes must be used; ws takes any"},
	{name: "any frames", draw: drawWild},
}

func says(code int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(code))) }

func drawBytes(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return string(b)
}

// drawFrame is a frame whose first byte is given, with any mask.
func drawFrame(r *rand.Rand, first byte, payload string) string {
	return masked(r.Uint32(), string([]byte{first})+frame(true, 0, payload)[1:])
}

// drawSlip draws what is UTF-8 but for one slip.
func drawSlip(r *rand.Rand, size int) string {
	slips := []string{"\xff", "\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe5\x93", "\xf0\x9f\x98"}
	return drawText(r, r.IntN(size)) + slips[r.IntN(len(slips))] + drawText(r, r.IntN(20))
}

// anyCode has the two tell what must come.
const anyCode = -1

// drawWild draws frames of any kind whatever, with payload that breaks no rule:
// when that is judged is up to each. Behind them comes a close frame that is as
// it should be, if any still matters.
func drawWild(r *rand.Rand) (string, int) {
	var b strings.Builder
	inside := false
	for range 1 + r.IntN(8) {
		first := byte(r.Uint32())
		switch r.IntN(9) {
		case 0: // anything
		case 1:
			first = 0x80 | opClose + byte(r.IntN(3))
		default: // what fits, now and then at the wrong time
			first &= 0x80
			if inside == (r.IntN(20) == 0) {
				first |= opText + byte(r.IntN(2))
			}
			inside = first&0x80 == 0
		}
		payload := strings.Repeat("x", r.IntN(140))
		if first&0xF == opClose {
			payload = says([]int{999, 1001, 1003, 1004, 1011, 2999, 3000, 4999, 5000}[r.IntN(9)]) + "because"
		} else if first&0xF > opClose {
			payload = payload[:min(len(payload), 110+r.IntN(20))]
		}
		f := drawFrame(r, first, payload)
		if len(payload) < 126 && r.IntN(25) == 0 {
			f = unmasked(f)
		}
		b.WriteString(f)
	}
	return b.String() + closeFrame(1000, ""), anyCode
}

// frames are a play's steps as frames.
func (p *play) frames(r *rand.Rand) (send string, pings []string) {
	opcodes := map[string]byte{"text": opText, "binary": opBinary, "ping": opPing, "pong": opPong}
	var b strings.Builder
	inside := false
	for _, s := range p.Steps {
		first := opcodes[s.Kind]
		if s.Fin {
			first |= 0x80
		}
		switch s.Kind {
		case "ping":
			pings = append(pings, string(s.Data))
		case "text", "binary":
			if inside {
				first &^= 0xF // opContinuation
			}
			inside = !s.Fin
		}
		b.WriteString(drawFrame(r, first, string(s.Data)))
	}
	return b.String(), pings
}

// The same bytes to our bridge and to the server of npm's ws, both of which
// echo: the same comes back from both, and the same close code.
func TestDifferentServers(t *testing.T) {
	var port int
	startNPM(t, "ws_server.cjs").next(&port)
	theirs := "127.0.0.1:" + strconv.Itoa(port)
	ours := serve(t, to(peer(t, echo)))
	for _, end := range finales {
		plays := uint64(6)
		if end.name == "any frames" {
			plays = 200
		}
		for seed := range plays {
			t.Run(fmt.Sprintf("%s/seed %d", end.name, seed), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 2))
				p := &play{}
				for range r.IntN(4) {
					p.drawMessage(r)
				}
				good, pings := p.frames(r)
				last, code := end.draw(r)
				size := 1 << (3 + r.IntN(14))
				var codes []int
				for _, host := range []string{ours, theirs} {
					f := frames(t, host, "")
					wait := pour(t, f, good, random(max(size, len(good)/500), seed))
					var h heard
					h.hear(f, func() bool { return h.data.Len() >= len(p.all) && (len(pings) == 0 || h.answers(pings)) })
					wait()
					if h.data.String() != p.all || !h.answers(pings) {
						t.Errorf("%s: %d bytes come back, and the pongs %q, want the %d that were sent, and %q", host, h.data.Len(), h.pongs, len(p.all), pings)
					}
					sent := drip(f, last, random(max(size, len(last)/500), seed))
					h.close(f)
					<-sent // not all of it, if the connection has ended
					codes = append(codes, h.code())
					_ = f.Close()
				}
				want := []int{code, code}
				switch {
				case code == anyCode:
					want = []int{codes[1], codes[1]}
				case end.reason != "":
					want[1] = end.theirs
				}
				if !slices.Equal(codes, want) {
					t.Errorf("close codes %d, of ws %d, want %d", codes[0], codes[1], want)
				}
			})
		}
	}
}
