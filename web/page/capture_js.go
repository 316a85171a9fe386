package main

import (
	"iter"
	"syscall/js"

	"porthole/web/capture"
	"porthole/web/view"
	"porthole/wire"
)

// replay is a capture that is shown again in its own time.
type replay struct {
	player *view.Player
	began  float64 // ms of the page's clock
}

// export writes what is shown, or of it the connection that is followed.
func (a *app) export(format string) js.Value {
	appends := map[string]func([]byte, iter.Seq[capture.Row]) []byte{
		"ndjson": capture.AppendNDJSON, "mermaid": capture.AppendMermaid,
		"pcapng": capture.AppendPcapng, "compact": capture.AppendCompact,
	}[format]
	if appends == nil {
		return js.Null()
	}
	b := appends(nil, a.rows())
	array := a.arrays.New(len(b))
	js.CopyBytesToJS(array, b)
	return array
}

func (a *app) rows() iter.Seq[capture.Row] {
	return func(yield func(capture.Row) bool) {
		for e, lost := range a.view.Store.Events() {
			if !yield(capture.Row{Event: e, Lost: lost}) {
				return
			}
		}
	}
}

// load shows a capture instead of the sockets, which live on unseen. It returns
// what is wrong with the bytes, or nothing.
func (a *app) load(b []byte, format string) string {
	parse := capture.ParseNDJSON
	if format == "compact" {
		parse = capture.ParseCompact
	}
	rows, err := parse(b)
	if err != nil {
		return err.Error()
	}
	if len(rows) == 0 {
		return "capture: there is nothing in it"
	}
	a.view, a.replay = &view.View{Mode: view.Capture}, nil
	for _, r := range rows {
		if r.Event == nil {
			a.view.Store.Lose(r.Lost)
		} else {
			a.view.Store.Add(*r.Event)
		}
	}
	return ""
}

// startReplay shows the capture from its beginning.
func (a *app) startReplay() {
	if a.view == a.live {
		return
	}
	if a.replay != nil { // what has not come yet is part of it
		a.advance(1 << 62)
	}
	var events []wire.Event
	for e := range a.view.Store.Events() {
		if e != nil {
			again := *e
			again.Data = append([]byte(nil), e.Data...)
			events = append(events, again)
		}
	}
	a.view.Clear()
	a.view.Mode = view.Playing
	a.replay = &replay{player: view.NewPlayer(events), began: a.now.Call("now").Float()}
}

// play brings a replay up to now, and asks for the next frame.
func (a *app) play() {
	if a.replay == nil {
		return
	}
	a.advance(int64((a.now.Call("now").Float() - a.replay.began) * 1e6)) // ms to ns
	if a.replay.player.Done() {
		a.view.Mode, a.replay = view.Capture, nil
		return
	}
	a.news()
}

func (a *app) advance(gone int64) {
	for _, e := range a.replay.player.Due(gone) {
		a.view.Store.Add(e)
	}
}
