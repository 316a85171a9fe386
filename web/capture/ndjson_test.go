package capture_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"porthole/web/capture"
	"porthole/wire"
)

func TestLinesAreThoseOfEncodingJSON(t *testing.T) {
	events := []wire.Event{{}, full(), {Kind: 99, Side: 99, Kernel: wire.Kernel{State: 99}}, {Kernel: wire.Kernel{Unread: 1}}}
	for r := range rune(0x100) {
		events = append(events, wire.Event{Host: string(r)}, wire.Event{Host: "a" + string([]byte{byte(r)}) + "b"})
	}
	for _, s := range []string{"\u2027\u2028\u2029\u202a", "\ufffd", "哇\xe5\x92哇", "😀", `</script>&"\`} {
		events = append(events, wire.Event{Local: s, Remote: s, Code: s, Syscall: s})
	}
	for n := range 5 {
		events = append(events, wire.Event{Data: bytes.Repeat([]byte{0xfb}, n), Start: -1, Return: 1<<63 - 1, To: 1<<64 - 1})
	}
	for _, e := range events {
		want, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if got := (capture.Row{Event: &e}).AppendJSON(nil); !bytes.Equal(got, want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestNDJSONComesBack(t *testing.T) {
	for _, name := range captures {
		rows := read(t, name)
		want, err := os.ReadFile("testdata/" + name + ".ndjson")
		if err != nil {
			t.Fatal(err)
		}
		if got := capture.AppendNDJSON(nil, slices.Values(rows)); !bytes.Equal(got, want) {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
}

func TestNDJSONIsReadAsEncodingJSONDoes(t *testing.T) {
	const rest = `"event":"data","side":"server"`
	tests := []struct{ name, line string }{
		{"any order, spaces", " {\t\"side\" : \"client\" , \"event\":\"end()\",\"seq\" :3 } \r"},
		{"times past 2^53", `{` + rest + `,"start":1700000000000000001,"return":9223372036854775807}`},
		{"names in any case", `{"EVENT":"DATA","Side":"SERVER","haderror":true,"Kernel":{"RTT":5}}`},
		{"unknown members", `{"x":[{"y":[1,-2.5e+7,true,false,null,"]}"]},{},[]],` + rest + `,"text":"\u54c7"}`},
		{"nulls", `{` + rest + `,"seq":null,"start":null,"local":null,"data":null,"kernel":null,"approx":null}`},
		{"escapes", `{` + rest + `,"host":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`},
		{"half surrogates", `{` + rest + `,"host":"\ud83d","local":"\ude00\ud83d","remote":"\ud83dx","code":"\ud83d\ud83d\ude00","syscall":"\ud83d\u0041"}`},
		{"no UTF-8", `{` + rest + ",\"host\":\"\xe5\x92x\xff\"}"},
		{"twice", `{` + rest + `,"host":"a","host":"b","kernel":{"rtt":1},"kernel":{"cwnd":2}}`},
		{"data", `{` + rest + `,"to":4,"data":"5ZOH\n\/w=="}`},
		{"empty data", `{` + rest + `,"data":""}`},
	}
	for _, tt := range tests {
		var want wire.Event
		if err := json.Unmarshal([]byte(tt.line), &want); err != nil {
			t.Fatalf("%s: encoding/json: %v", tt.name, err)
		}
		got, err := capture.ParseNDJSON([]byte(tt.line))
		if err != nil || !same(t, got, []capture.Row{{Event: &want}}) {
			t.Errorf("%s: got %s, %v\nwant %+v", tt.name, capture.AppendNDJSON(nil, slices.Values(got)), err, want)
		}
	}
}

func TestNDJSONErrors(t *testing.T) {
	const rest = `"event":"data","side":"server",`
	tests := []struct{ line, want string }{
		{`x`, "not JSON at byte 1"},
		{`[]`, "not JSON at byte 1"},
		{`{`, "not JSON: it ends early"},
		{`{"seq":1`, "not JSON: it ends early"},
		{`{"seq":1}}`, "not JSON at byte 10"},
		{`{"seq":1,}`, "not JSON at byte 10"},
		{`{"seq" 1}`, "not JSON at byte 8"},
		{`{"seq":01}`, "not JSON at byte 9"},
		{`{"x":-}`, "not JSON at byte 7"},
		{`{"x":1.}`, "not JSON at byte 8"},
		{`{"x":[1 2]}`, "not JSON at byte 9"},
		{`{"x":tru}`, "not JSON at byte 6"},
		{`{"x":"\x"}`, "not JSON at byte 8"},
		{`{"x":"\u12g4"}`, "not JSON at byte 8"},
		{"{\"x\":\"\x01\"}", "not JSON at byte 7"},
		{`{"x":"` + "\n", "not JSON at byte 7"},
		{`{"x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, "values are nested too deep"},
		{`{"seq":"1"}`, "not JSON at byte 8"},
		{`{"seq":-1}`, "seq is not a whole number"},
		{`{"start":1.5}`, "start is not a whole number"},
		{`{"return":9223372036854775808}`, "return is not a whole number"},
		{`{"conn":1e3}`, "conn is not a whole number"},
		{`{"approx":1}`, "approx is neither true nor false"},
		{`{"local":5}`, "local is not a string"},
		{`{"data":"?"}`, "data is not base64"},
		{`{"data":[1]}`, "data is not a string"},
		{`{"event":"explode"}`, `event is unknown: "explode"`},
		{`{"side":"middle"}`, `side is unknown: "middle"`},
		{`{` + rest + `"kernel":{"state":"OPEN"}}`, `state is unknown: "OPEN"`},
		{`{}`, "no event is named"},
		{`null`, "not JSON at byte 1"},
		{`{"event":"data"}`, "the side is neither client nor server"},
		{`{` + rest + `"start":-1}`, "start is before 1970"},
		{`{` + rest + `"start":2,"return":1}`, "return is before start"},
		{`{` + rest + `"from":2,"to":1}`, "to is before from"},
		{`{` + rest + `"to":1,"data":"5ZOH"}`, "data is longer than its range"},
		{`{` + rest + `"to":2000,"data":"` + strings.Repeat("5ZOH", 342) + `"}`, "data is longer than an event copies"},
		{`{` + rest + `"lost":5}`, "both an event and a gap"},
		{`{"lost":-5}`, "lost is not a whole number"},
		{strings.Repeat(" ", capture.MaxLine) + `{}`, "longer than 65536 bytes"},
	}
	good := `{` + rest + `"seq":1}` + "\n\n"
	for _, tt := range tests {
		rows, err := capture.ParseNDJSON([]byte(good + tt.line + "\n" + good))
		e, ok := errors.AsType[*capture.Error](err)
		if !ok || e.Line != 3 || e.Reason != tt.want || len(rows) != 1 {
			t.Errorf("%.60s: %d rows, %v; want 1, line 3: %s", tt.line, len(rows), err, tt.want)
		}
	}
}

func TestNDJSONTellsGaps(t *testing.T) {
	rows, err := capture.ParseNDJSON([]byte(`{"lost":4096}` + "\n"))
	if err != nil || len(rows) != 1 || rows[0] != (capture.Row{Lost: 4096}) {
		t.Errorf("got %v, %v", rows, err)
	}
}

func TestNDJSONIsBounded(t *testing.T) {
	text := bytes.Repeat([]byte(`{"lost":1}`+"\n"), capture.MaxRows+1)
	rows, err := capture.ParseNDJSON(text)
	e, ok := errors.AsType[*capture.Error](err)
	if !ok || e.Line != capture.MaxRows+1 || len(rows) != capture.MaxRows {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func TestLongestEventFitsALine(t *testing.T) {
	e := full()
	e.Data = bytes.Repeat([]byte{0}, wire.MaxCopy)
	e.To = e.From + wire.MaxCopy
	text := struct {
		wire.Event
		Text string `json:"text"`
	}{e, strings.Trim(strconv.Quote(string(e.Data)), `"`)}
	line, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := capture.ParseNDJSON(line); err != nil || len(line) > capture.MaxLine/6 {
		t.Errorf("%d bytes: %v", len(line), err)
	}
}

// told is what a line of an event stream may hold.
type told struct {
	wire.Event
	Lost uint64 `json:"lost"`
}

func FuzzNDJSON(f *testing.F) {
	for _, name := range captures {
		text, err := os.ReadFile("testdata/" + name + ".ndjson")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"event":"data","side":"client","x":[{"a":[-1.5e+3,true,null]}],"host":"\ud83d\ude00\ud83d"}`))
	f.Add([]byte("{\"EVENT\":\"DATA\",\"\u017fide\":\"client\",\"data\":null,\"kernel\":{\"state\":\"listen\"}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, err := capture.ParseNDJSON(text)
		if err == nil {
			again, err := capture.ParseNDJSON(capture.AppendNDJSON(nil, slices.Values(rows)))
			if err != nil || !same(t, again, rows) {
				t.Errorf("%v\n%s", err, text)
			}
		}
		line, _, _ := bytes.Cut(text, []byte("\n"))
		if len(bytes.TrimSpace(line)) == 0 || len(line) > capture.MaxLine {
			return
		}
		var want told
		wrong := json.Unmarshal(line, &want)
		got, err := capture.ParseNDJSON(line)
		switch {
		case err == nil && wrong != nil:
			t.Errorf("%s: encoding/json says %v", line, wrong)
		case err == nil && want.Lost == 0 && !same(t, got, []capture.Row{{Event: &want.Event}}):
			t.Errorf("%s: got %+v", line, got)
		case err != nil && wrong == nil && syntax(err):
			t.Errorf("%s: %v", line, err)
		}
	})
}

// syntax tells whether an error is one that encoding/json would have found,
// too, but for what we do not take: data as a list, and null as an event.
func syntax(err error) bool {
	e, ok := errors.AsType[*capture.Error](err)
	return ok && strings.HasPrefix(e.Reason, "not JSON") && e.Reason != "not JSON at byte 1" || strings.Contains(err.Error(), "is unknown:")
}

// FuzzEvent has encoding/json write and read what we read and write.
func FuzzEvent(f *testing.F) {
	f.Add(uint64(1), int64(1_700_000_000_000_000_001), int64(5), uint8(7), uint8(2), "127.0.0.1:1234", "哇\xff<>\u2028", []byte("哇"), uint64(9))
	f.Add(uint64(0), int64(0), int64(0), uint8(0), uint8(0), "", "", []byte(nil), uint64(0))
	f.Fuzz(func(t *testing.T, n uint64, start, took int64, kind, side uint8, text, more string, data []byte, from uint64) {
		e := wire.Event{
			Seq: n, Start: start, Return: start + took, Kind: wire.Kind(kind), Side: wire.Side(side), Conn: n >> 3, Local: text, Remote: more,
			From: from, To: from + uint64(len(data)), Data: data, Code: more, Syscall: text, HadError: n&1 == 1, Host: more + text,
			Kernel: wire.Kernel{State: wire.State(kind), Unsent: n, RTT: from}, Approx: n&2 == 2,
		}
		line, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if ours := (capture.Row{Event: &e}).AppendJSON(nil); !bytes.Equal(ours, line) {
			t.Errorf("got  %s\nwant %s", ours, line)
		}
		var want wire.Event
		wrong := json.Unmarshal(line, &want)
		got, err := capture.ParseNDJSON(line)
		if err == nil && (wrong != nil || !same(t, got, []capture.Row{{Event: &want}})) {
			t.Errorf("%s: %v, encoding/json says %v", line, err, wrong)
		}
		compact, err := capture.ParseCompact(capture.AppendCompact(nil, rows(e)))
		if e.Seq = 1; err == nil && !same(t, compact, []capture.Row{{Event: &e}}) {
			t.Errorf("compact: got %+v\nwant %+v", compact[0].Event, e)
		}
	})
}
