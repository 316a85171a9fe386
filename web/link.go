package web

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// The page is written in many modules, and a browser asks for six files at a
// time: at 60 ms a turn they would take half a second to come. So each module
// that the page starts is served with those that it needs inside.

var (
	startsRE = regexp.MustCompile(`<script src="assets/([^"]+)" type="module"`)
	importRE = regexp.MustCompile(`(?m)^import (?:\{([^}]*)\} from )?'\./([^']+)';`)
	exportRE = regexp.MustCompile(`(?m)^export (async function|function\*?|class|const) (\w+)`)
	otherRE  = regexp.MustCompile(`(?m)^(?:import|export)\b.*`)
)

// link returns the modules that index starts, by name, each with all that it
// imports, but for other ones that index starts.
func link(index []byte, files map[string][]byte) (map[string][]byte, error) {
	starts := make(map[string]bool)
	for _, m := range startsRE.FindAllSubmatch(index, -1) {
		starts[string(m[1])] = true
	}
	linked := make(map[string][]byte)
	for name := range starts {
		l := linker{files: files, starts: starts, state: make(map[string]state)}
		body, err := l.body(name)
		if err != nil {
			return nil, fmt.Errorf("web: %w", err)
		}
		if names := exports(files[name]); names != "" {
			body += fmt.Sprintf("export { %s };\n", names)
		}
		linked[name] = []byte(l.front.String() + body)
	}
	return linked, nil
}

// state is how far a linker is with a module.
type state int

const (
	begun state = 1 + iota
	done
)

// linker gathers what one module needs. It knows JavaScript no better than our
// own is written: imports and exports start a line, each is of a name, and none
// is assigned later. For the rest it returns an error.
type linker struct {
	files  map[string][]byte
	starts map[string]bool
	state  map[string]state
	front  strings.Builder // what goes before the module, in the order of need
}

// body returns what a module does, with what it needs in front of it.
func (l *linker) body(name string) (string, error) {
	source, ok := l.files[name]
	if !ok {
		return "", fmt.Errorf("no module %s", name)
	}
	l.state[name] = begun
	var failed error
	body := importRE.ReplaceAllStringFunc(string(source), func(line string) string {
		m := importRE.FindStringSubmatch(line)
		from := path.Join(path.Dir(name), m[2])
		if err := l.need(from); err != nil && failed == nil {
			failed = fmt.Errorf("%s → %w", name, err)
		}
		if m[1] == "" {
			return ""
		}
		return fmt.Sprintf("const {%s} = %s;", strings.ReplaceAll(m[1], " as ", ": "), variable(from))
	})
	body = exportRE.ReplaceAllString(body, "$1 $2")
	if other := otherRE.FindString(body); other != "" && failed == nil {
		failed = fmt.Errorf("%s: cannot link %q", name, other)
	}
	l.state[name] = done
	return body, failed
}

// need puts a module in front, once.
func (l *linker) need(name string) error {
	switch {
	case l.state[name] == begun:
		return fmt.Errorf("%s, which needs it", name)
	case l.state[name] == done:
		return nil
	case l.starts[name]: // its names are fixed by the time they are taken
		l.state[name] = done
		fmt.Fprintf(&l.front, "import * as %s from './%s';\n", variable(name), name)
		return nil
	}
	body, err := l.body(name)
	if err != nil {
		return err
	}
	fmt.Fprintf(&l.front, "const %s = (() => {\n%s\nreturn { %s };\n})();\n", variable(name), body, exports(l.files[name]))
	return nil
}

// exports lists the names that a module exports.
func exports(module []byte) string {
	var names []string
	for _, m := range exportRE.FindAllSubmatch(module, -1) {
		names = append(names, string(m[2]))
	}
	return strings.Join(names, ", ")
}

// variable is what a module is called in one that it is part of.
func variable(name string) string {
	return "$" + regexp.MustCompile(`\W`).ReplaceAllString(name, "_")
}
