package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// text is what a file says.
type text struct{ name, body string }

// reread is what files say that are read again: those who change them need not
// restart the gateway.
type reread[T any] struct {
	flag    string // the option that names them
	names   []string
	folders bool // a name may be that of a folder, for the files in it
	parse   func(files []text) (T, error)
	every   time.Duration // how long they are not looked at again; each time if 0
	logger  *slog.Logger

	mu     sync.Mutex
	looked time.Time
	files  []text // as they were then
	now    T
}

// load reads the files for the first time, so that a mistake shows at once.
func (r *reread[T]) load() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.look()
	return err
}

// get is what the files say. Those that cannot be used leave what is.
func (r *reread[T]) get() T {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.looked) < r.every {
		return r.now
	}
	switch changed, err := r.look(); {
	case err != nil:
		r.logger.Warn("a file that has changed cannot be used, what it said last stays", "error", err)
	case changed:
		r.logger.Info("a file that has changed is in use", "option", r.flag)
	}
	return r.now
}

// look reads the files, and tells whether they say something else than before,
// and what is wrong with that: once. mu is held.
func (r *reread[T]) look() (changed bool, err error) {
	r.looked = time.Now()
	files, err := r.read()
	if err != nil {
		files = []text{{body: err.Error()}}
	}
	if slices.Equal(files, r.files) {
		return false, nil
	}
	r.files = files
	if err == nil {
		var now T
		if now, err = r.parse(files); err == nil {
			r.now = now
			return true, nil
		}
	}
	return true, fmt.Errorf("%s: %w", r.flag, err)
}

func (r *reread[T]) read() (files []text, err error) {
	names := r.names
	if r.folders {
		names = within(names)
	}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files = append(files, text{name, string(body)})
	}
	return files, nil
}

// within puts the files in a folder in its place.
func within(names []string) (files []string) {
	for _, name := range names {
		entries, err := os.ReadDir(name)
		if err != nil { // it is no folder, or to read it tells
			files = append(files, name)
		}
		for _, e := range entries {
			file := filepath.Join(name, e.Name())
			if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
				files = append(files, file)
			}
		}
	}
	return files
}
