package capture_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"porthole/web/capture"
	"porthole/wire"
)

func TestPcapng(t *testing.T) {
	for _, name := range captures {
		golden(t, name+".pcapng", capture.AppendPcapng(nil, slices.Values(read(t, name))))
	}
}

// The bytes are those of the draft and of Wireshark's tags, by hand.
func TestPcapngBytes(t *testing.T) {
	got := capture.AppendPcapng(nil, rows(wire.Event{
		Start: 1<<32 + 2, Return: 1<<32 + 1002, Kind: wire.CallWrite, Side: wire.Server, Conn: 1,
		Local: "127.0.0.1:1234", Remote: "[::1]:5", To: 3, Data: []byte("hi"),
	}))
	words := hex.EncodeToString([]byte("write() bytes 0–2 of connection 1, took 1 µs, local 127.0.0.1:1234, remote [::1]:5"))
	want := "0a0d0d0a 2c000000 4d3c2b1a 0100 0000 ffffffffffffffff" + // section
		"0400 0800 506f7274686f6c65 0000 0000 2c000000" +
		"01000000 34000000 fc00 0000 00000000" + // interfaces
		"0200 0e00 636c69656e7420736f636b657473 0000 0900 0100 09 000000 0000 0000 34000000" +
		"01000000 34000000 fc00 0000 00000000" +
		"0200 0e00 73657276657220736f636b657473 0000 0900 0100 09 000000 0000 0000 34000000" +
		"06000000 34010000 01000000 01000000 02000000 aa000000 ab000000" + // packet
		"000c 0004 64617461 0021 0008 736f636b65740000 0024 0058" + words + "000000" +
		"0018 0004 00000002 0014 0004 7f000001 0019 0004 000004d2" +
		"0017 0010 00000000000000000000000000000001 001a 0004 00000005 0000 0000" +
		"6869 0000" +
		"0100 5500" + words + "000000 0200 0400 02000000 0000 0000 34010000"
	if text := hex.EncodeToString(got); text != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got  %s\nwant %s", text, strings.ReplaceAll(want, " ", ""))
	}
}

func TestPcapngTellsKernels(t *testing.T) {
	e := full()
	got := capture.AppendPcapng(nil, rows(e))
	const want = "data bytes 9–11 localhost ECONNRESET of read() after an error of connection 2, took 999 ns, " +
		"by another machine's clock, local 127.0.0.1:1234, remote [::1]:5; " +
		"kernel: ESTABLISHED, 2 unsent, 3 unread, rtt 4 µs, cwnd 5 segments, 6 retransmits"
	if !bytes.Contains(got, []byte(want)) {
		t.Errorf("%q does not tell %q", got, want)
	}
}

// tshark asks Wireshark for fields of each packet. TSHARK=required makes its
// absence a failure.
func tshark(t *testing.T, file []byte, fields ...string) [][]string {
	t.Helper()
	program, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("TSHARK") == "required" {
			t.Fatal("no tshark: apt-get install tshark")
		}
		t.Skip("NOT TESTED: that Wireshark reads our pcapng; apt-get install tshark")
	}
	name := filepath.Join(t.TempDir(), "capture.pcapng")
	if err := os.WriteFile(name, file, 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-n", "-r", name, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a")
	for _, f := range fields {
		cmd.Args = append(cmd.Args, "-e", f)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, &stderr)
	}
	var packets [][]string
	for line := range strings.Lines(string(out)) {
		packets = append(packets, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return packets
}

func TestWiresharkReadsPcapng(t *testing.T) {
	for _, name := range captures {
		t.Run(name, func(t *testing.T) {
			all := read(t, name)
			file := capture.AppendPcapng(nil, slices.Values(all))
			got := tshark(t, file, "frame.interface_name", "frame.time_epoch", "data.data", "frame.packet_flags_direction",
				"frame.drop_count", "frame.len", "frame.cap_len", "exported_pdu.port_type",
				"ip.src", "ipv6.src", "exported_pdu.src_port", "ip.dst", "ipv6.dst", "exported_pdu.dst_port", "frame.comment")
			if len(got) != len(all) {
				t.Fatalf("%d packets, want %d", len(got), len(all))
			}
			// A diagram's order of time; ties and gaps stay as they came.
			slices.SortStableFunc(all, func(a, b capture.Row) int {
				if a.Event == nil || b.Event == nil {
					return 0
				}
				return int(a.Event.At() - b.Event.At())
			})
			for i, r := range all {
				p := got[i]
				comment := p[len(p)-1]
				if r.Event == nil {
					if p[4] != fmt.Sprint(r.Lost) || !strings.HasSuffix(comment, " lost") {
						t.Errorf("packet %d is %q, want a gap of %d", i+1, p, r.Lost)
					}
					continue
				}
				want := fields(r.Event)
				copied, missing := len(r.Event.Data), 0
				if r.Event.To > r.Event.From {
					missing = int(r.Event.Bytes()) - copied
				}
				if n, m := number(t, p[5]), number(t, p[6]); n-m != missing {
					t.Errorf("packet %d has %d of %d bytes, want %d missing", i+1, m, n, missing)
				}
				if have := slices.Concat(p[:5], p[7:14]); !slices.Equal(have, want) {
					t.Errorf("packet %d\ngot  %q\nwant %q", i+1, have, want)
				}
				words := fmt.Sprintf(" of connection %d", r.Event.Conn)
				if r.Event.Listener() {
					words = " of the listener"
				}
				if !strings.HasPrefix(comment, r.Event.Kind.String()) || !strings.Contains(comment, words) {
					t.Errorf("packet %d says %q, want %s%s", i+1, comment, r.Event.Kind, words)
				}
			}
		})
	}
}

func number(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// fields are what tshark should say of an event.
func fields(e *wire.Event) []string {
	sockets := "client sockets"
	if e.Side == wire.Server {
		sockets = "server sockets"
	}
	at := fmt.Sprintf("%d.%09d", e.At()/1e9, e.At()%1e9)
	source, target, way := e.Local, e.Remote, ""
	switch e.Kind {
	case wire.Connection, wire.Data, wire.End:
		source, target, way = target, source, "0x00000001"
	case wire.Connect, wire.CallWrite, wire.CallEnd, wire.CallReset:
		way = "0x00000002"
	}
	want := []string{sockets, at, hex.EncodeToString(e.Data), way, ""}
	portType := ""
	var ends []string
	for _, address := range []string{source, target} {
		host, port, ok := strings.Cut(address, "]:")
		v4, v6 := "", strings.TrimPrefix(host, "[")
		if !ok {
			host, port, ok = strings.Cut(address, ":")
			v4, v6 = host, ""
		}
		if !ok || strings.HasPrefix(address, "/") {
			ends = append(ends, "", "", "")
			continue
		}
		portType = "2"
		ends = append(ends, v4, v6, port)
	}
	return append(append(want, portType), ends...)
}

func FuzzPcapng(f *testing.F) {
	f.Add("127.0.0.1:1", "[fe80::1%eth0]:65535", []byte("哇"), uint64(3), uint8(7))
	f.Add("/path", "", []byte{}, uint64(1<<63), uint8(99))
	f.Fuzz(func(t *testing.T, local, remote string, data []byte, to uint64, kind uint8) {
		e := wire.Event{Kind: wire.Kind(kind), Side: wire.Side(kind), Local: local, Remote: remote, To: to, Data: data, Code: local, Host: remote}
		b := capture.AppendPcapng(nil, rows(e, e))
		blocks := 0
		for ; len(b) > 0; blocks++ {
			if len(b) < 12 {
				t.Fatalf("%d bytes are no block", len(b))
			}
			n := int(b[4]) | int(b[5])<<8 | int(b[6])<<16
			if n%4 != 0 || n > len(b) || !bytes.Equal(b[4:8], b[n-4:n]) {
				t.Fatalf("a block of %d bytes, of %d that are left", n, len(b))
			}
			b = b[n:]
		}
		if blocks != 5 {
			t.Errorf("%d blocks, want 5", blocks)
		}
	})
}
