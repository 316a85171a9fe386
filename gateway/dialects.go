package main

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// dialect is a --dialect: a protocol of other bridges, whose clients are served at
// some paths.
type dialect struct {
	name  string
	paths []string
}

// dialects are those that there are: where each is served unless told otherwise,
// and by what.
var dialects = map[string]struct {
	paths   []string
	handler func(g *gateway) (http.Handler, error)
}{
	"neon":       {[]string{"/v1", "/v2"}, func(g *gateway) (http.Handler, error) { return g.bridge.Neon(), nil }},
	"websockify": {[]string{"/websockify"}, (*gateway).websockify},
	"wisp":       {[]string{"/wisp/"}, func(g *gateway) (http.Handler, error) { return g.bridge.Wisp(), nil }},
}

// UnmarshalText reads NAME, or NAME=PATH for another path than the usual.
func (d *dialect) UnmarshalText(b []byte) error {
	name, path, named := strings.Cut(string(b), "=")
	known, ok := dialects[name]
	if !ok {
		return fmt.Errorf("%q: want one of %s", name, strings.Join(slices.Sorted(maps.Keys(dialects)), ", "))
	}
	if named && !strings.HasPrefix(path, "/") {
		return fmt.Errorf("%q: a path begins with /", b)
	}
	if *d = (dialect{name, known.paths}); named {
		d.paths = []string{path}
	}
	return nil
}

// doors are what serves the dialects that were named, by path.
func (g *gateway) doors() (map[string]http.Handler, error) {
	if g.TokenFile != "" && !slices.ContainsFunc(g.Dialect, func(d dialect) bool { return d.name == "websockify" }) {
		return nil, errors.New("--token-file is for --dialect websockify, which is not there")
	}
	doors := map[string]http.Handler{}
	for _, d := range g.Dialect {
		h, err := dialects[d.name].handler(g)
		if err != nil {
			return nil, fmt.Errorf("--dialect %s: %w", d.name, err)
		}
		for _, path := range d.paths {
			if doors[path] != nil {
				return nil, fmt.Errorf("--dialect %s: %s is taken", d.name, path)
			}
			doors[path] = h
		}
	}
	return doors, nil
}

// websockify serves the clients of websockify: to where their tokens lead, or, if
// there is no file of them, to the default target.
func (g *gateway) websockify() (http.Handler, error) {
	if g.TokenFile == "" {
		return g.bridge.Websockify(nil), nil
	}
	t := newTokens(g.TokenFile, g.logger)
	if err := t.load(); err != nil {
		return nil, err
	}
	return g.bridge.Websockify(t.target), nil
}
