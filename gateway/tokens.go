package main

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"

	"porthole/gateway/bridge"
)

// tokens are those of a file, or of a folder of them, as websockify's TokenFile
// has them: a line for each,
//
//	TOKEN: host:port
//	TOKEN: unix_socket:/path
//
// with where it leads. A line that begins with # is a remark. They are read at
// each request, so that a token is good as soon as it is written.
type tokens struct {
	reread[map[string]bridge.Target]
}

func newTokens(name string, logger *slog.Logger) *tokens {
	return &tokens{reread[map[string]bridge.Target]{flag: "--token-file", names: []string{name}, folders: true, parse: parseTokens, logger: logger}}
}

// target is for [bridge.Bridge.Websockify].
func (t *tokens) target(token string) (bridge.Target, bool) {
	target, ok := t.get()[token]
	return target, ok
}

// A token goes to the first colon that white space follows.
var tokenLine = regexp.MustCompile(`^(.+?):\s+(.+)$`)

// parseTokens reads the text of files. Its errors name the line, and no token.
func parseTokens(files []text) (map[string]bridge.Target, error) {
	all := map[string]bridge.Target{}
	for _, f := range files {
		n := 0
		for line := range strings.Lines(f.body) {
			n++
			if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			m := tokenLine.FindStringSubmatch(line)
			if m == nil {
				return nil, fmt.Errorf("%s: line %d: want TOKEN: host:port, or TOKEN: unix_socket:/path", f.name, n)
			}
			token, at := m[1], m[2]
			target, err := bridge.ParseTarget(strings.TrimPrefix(at, "unix_socket:"))
			switch {
			case err != nil:
				return nil, fmt.Errorf("%s: line %d: %w", f.name, n, err)
			case !target.Single() || target.Unix() != strings.HasPrefix(at, "unix_socket:"):
				return nil, fmt.Errorf("%s: line %d: %s: want one host:port, or unix_socket:/path", f.name, n, at)
			}
			if _, twice := all[token]; twice {
				return nil, fmt.Errorf("%s: line %d: this token is there already", f.name, n)
			}
			all[token] = target
		}
	}
	return all, nil
}
