package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
)

// message is one line of the page's console.
type message struct {
	text  string // "kind: what it says"
	wrong bool   // an error: the test fails unless it is allowed
}

// Console returns all that the page's console has said since it was opened, in
// order: calls of console methods, uncaught exceptions, and the browser's own
// notes, such as a resource that failed to load.
func (p *Page) Console() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := make([]string, len(p.messages))
	for i, m := range p.messages {
		lines[i] = m.text
	}
	return lines
}

// Allow declares that errors whose text contains the substring are expected.
// It may be called before or after they happen.
func (p *Page) Allow(substring string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = append(p.allowed, substring)
}

// check reports each error that is not allowed.
func (p *Page) check() {
	p.t.Helper()
	// A round trip: what the page has said until now arrives before the
	// answer. A page that cannot answer has said all it will.
	_ = p.Eval("null", nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.messages {
		known := func(substring string) bool { return strings.Contains(m.text, substring) }
		if m.wrong && !slices.ContainsFunc(p.allowed, known) {
			p.t.Errorf("the page's console: %s", m.text)
		}
	}
}

// hear is the window's listener. It runs between two protocol messages, so
// that each command returns after the events before it are in.
func (p *Page) hear(event any) {
	var m message
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		words := make([]string, len(e.Args))
		for i, arg := range e.Args {
			words[i] = spell(arg)
		}
		m.text = fmt.Sprintf("%s: %s", e.Type, strings.Join(words, " "))
		m.wrong = e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert
	case *runtime.EventExceptionThrown:
		d := e.ExceptionDetails
		m.text = fmt.Sprintf("exception: %s %s", d.Text, spell(d.Exception))
		m.wrong = true
	case *log.EventEntryAdded:
		m.text = fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
		m.wrong = e.Entry.Level == log.EntryLevelError
	case *inspector.EventTargetCrashed:
		m = message{"crash: the page's process is gone", true}
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = append(p.messages, m)
}

// spell renders a value as a console would: a string as it is, an error with
// its stack, anything else in short.
func spell(o *runtime.RemoteObject) string {
	if o == nil {
		return ""
	}
	var s string
	switch {
	case o.Type == runtime.RemoteObjectTypeString && json.Unmarshal(o.Value, &s) == nil:
		return s
	case o.Description != "":
		return o.Description
	case o.Value != nil: // null, true
		return string(o.Value)
	}
	return string(o.Type) // undefined
}
